// What is taken for a certificate, and what becomes of files that come, change, break and go.
#include "agent/certificate.hpp"

#include "agent/agent_settings.hpp"
#include "agent/certificate_files.hpp"
#include "agent/certificates.hpp"
#include "agent/haproxy_certificates.hpp"
#include "common/base/asio_clock.hpp"
#include "tests/support/secret_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <chrono>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using test::Authority;
using test::SecretDirectory;
using testing::HasSubstr;
using testing::IsEmpty;

WallTime now_plus(std::chrono::seconds later = 0s) {
    return AsioClock().wall() + later;
}

std::string complaint(std::string_view chain, std::string_view key) {
    const auto read = read_certificate(chain, key);
    return read ? std::string() : read.error().context;
}

TEST(Certificate, IsReadFromOneTextOrTwo) {
    const Authority authority;
    const Authority::Pem pem = authority.issue({});
    const auto one = read_certificate(pem.both(), pem.both());
    const auto two = read_certificate(pem.certificate + authority.bundle(), pem.key);
    ASSERT_TRUE(one) << one.error().message();
    ASSERT_TRUE(two) << two.error().message();
    EXPECT_EQ(one->fingerprint, two->fingerprint);
    EXPECT_EQ(one->fingerprint.size(), 40U);
    EXPECT_EQ(one->subject, "CN = leaf");
    EXPECT_GT(two->pem.size(), one->pem.size()) << "with its chain";
    EXPECT_TRUE(one->is_valid_at(now_plus()));
    EXPECT_FALSE(one->is_valid_at(now_plus(91 * 24h)));
    EXPECT_FALSE(one->is_valid_at(now_plus(-366 * 24h)));
}

TEST(Certificate, IsWrittenAnewWithoutWhateverElseTheFileHas) {
    const Authority::Pem pem = Authority().issue({});
    const std::string noisy = "subject=x\n\nBag Attributes\n" + pem.both() + "\nmore\n";
    const auto read = read_certificate(noisy, noisy);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->pem, read_certificate(pem.both(), pem.both())->pem);
    EXPECT_EQ(read->pem.find("\n\n"), std::string::npos) << "an empty line ends HAProxy's payload";
    EXPECT_EQ(*read_certificate(read->pem, read->pem), *read);
}

TEST(Certificate, IsRefusedWithTheKeyOfAnother) {
    const Authority authority;
    EXPECT_THAT(complaint(authority.issue({}).certificate, authority.issue({}).key),
                HasSubstr("not that of its first certificate"));
}

TEST(Certificate, IsRefusedWhereverItIsCutOff) {
    const std::string whole = Authority().issue({}).both();
    for (std::size_t size = 0; size + 2 < whole.size(); size += 7) {
        const std::string part = whole.substr(0, size);
        ASSERT_FALSE(read_certificate(part, part)) << size;
    }
}

TEST(Certificate, SurvivesAnyBytes) {
    const std::string whole = Authority().issue({}).both();
    for (std::size_t i = 0; i < whole.size(); i += 3) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ 0x20);
        (void)read_certificate(changed, changed);
    }
    EXPECT_EQ(complaint("", ""), "has no certificate");
    EXPECT_EQ(complaint(std::string(1'000, '\0'), "x"), "has no certificate");
    EXPECT_THAT(complaint(std::string(max_certificate_bytes + 1, 'x'), ""), HasSubstr("longer"));
}

TEST(Certificate, NamesWhatIsMissing) {
    const Authority::Pem pem = Authority().issue({});
    EXPECT_EQ(complaint(pem.certificate, pem.certificate), "has no key");
    EXPECT_EQ(complaint(pem.key, pem.key), "has no certificate");
    EXPECT_THAT(complaint(pem.certificate,
                          "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                          "-----END ENCRYPTED PRIVATE KEY-----\n"),
                HasSubstr("encrypted"));
}

TEST(Certificate, IsRefusedWithAnEndlessChain) {
    const Authority authority;
    const Authority::Pem pem = authority.issue({});
    std::string chain = pem.certificate;
    for (std::size_t i = 0; i < max_chain; ++i) chain += authority.bundle();
    EXPECT_THAT(complaint(chain, pem.key), HasSubstr("more than 16"));
}

TEST(HaproxyAnswers, TellTheFingerprint) {
    EXPECT_EQ(shown_fingerprint("Filename: a\nStatus: Used\nSHA1 FingerPrint: AB12\nAlgorithm: x"),
              "AB12");
    EXPECT_EQ(shown_fingerprint("Can't display the certificate: Not found!"), "");
}

// --- files ---------------------------------------------------------------------------------------

class CertificatesTest : public testing::Test {
 protected:
    CertificatesTest() { begin(); }

    void begin() {
        registry_ = std::make_unique<metrics::Registry>();
        certificates_ = std::make_unique<Certificates>(
            CertificateSettings{.directory = directory_.path().string() + "/tls",
                                .secrets = {{"www", secret_.path()}, {"none", "/nowhere"}}},
            (directory_ / "own").string(),
            *registry_);
    }

    bool look(std::vector<std::string> secrets, std::vector<std::string> files = {}) {
        listeners_ = {{.name = "a", .tls = {.certificates = files, .secrets = secrets}},
                      {.name = "b", .tls = {.certificates = files, .secrets = secrets}}};
        return certificates_->follow(listeners_, now_plus(later_));
    }
    bool look() { return look({"www"}); }

    /// Of the copy that the LB is told to use.
    [[nodiscard]] std::string served(std::size_t number = 0) const {
        EXPECT_THAT(listeners_.at(0).tls.secrets, IsEmpty());
        EXPECT_EQ(listeners_.at(0).tls, listeners_.at(1).tls);
        const auto read = read_source(listeners_.at(0).tls.certificates.at(number));
        return read ? read->fingerprint : read.error().message();
    }
    static std::string fingerprint(const Authority::Pem& pem) {
        return read_certificate(pem.both(), pem.both())->fingerprint;
    }
    [[nodiscard]] std::string problem() const {
        return certificates_->problems().empty() ? "" : certificates_->problems().front();
    }
    /// Bad at two looks: who writes two files is between them for one.
    void expect_kept(const Authority::Pem& pem, const std::string& why) {
        EXPECT_FALSE(look());
        EXPECT_FALSE(look());
        EXPECT_EQ(served(), fingerprint(pem));
        EXPECT_THAT(problem(), HasSubstr(why));
        EXPECT_THAT(registry_->text(),
                    HasSubstr(R"(muster_agent_certificate_refused{certificate="secret www"} 1)"));
    }

    test::TempDir directory_;
    SecretDirectory secret_{directory_};
    Authority authority_;
    std::chrono::seconds later_{0};
    std::unique_ptr<metrics::Registry> registry_;
    std::unique_ptr<Certificates> certificates_;
    std::vector<config::Listener> listeners_;
};

TEST_F(CertificatesTest, AreCopiedForTheLbAlone) {
    const Authority::Pem pem = authority_.issue({});
    secret_.put(pem);
    EXPECT_TRUE(look());
    EXPECT_EQ(served(), fingerprint(pem));
    EXPECT_EQ(problem(), "");
    struct stat found{};
    ASSERT_EQ(::stat(listeners_[0].tls.certificates[0].c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat((directory_ / "own").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0700U);
    EXPECT_FALSE(look());
}

TEST_F(CertificatesTest, FollowASecretThatIsSwapped) {
    secret_.put(authority_.issue({}));
    EXPECT_TRUE(look());
    for (int i = 0; i < 3; ++i) {
        const Authority::Pem next = authority_.issue({});
        secret_.put(next);
        EXPECT_TRUE(look());
        EXPECT_EQ(served(), fingerprint(next));
        EXPECT_FALSE(look());
    }
    EXPECT_THAT(registry_->text(), HasSubstr("muster_agent_certificates_taken_total 4"));
}

TEST_F(CertificatesTest, StayAsTheyWereWhenTheNewOneIsBad) {
    const Authority::Pem pem = authority_.issue({});
    const Authority::Pem other = authority_.issue({});
    secret_.put(pem);
    EXPECT_TRUE(look());
    secret_.put(other.certificate, pem.key);
    expect_kept(pem, "not that of its first certificate");
    secret_.put(other.certificate.substr(0, other.certificate.size() / 2), other.key);
    expect_kept(pem, "can't be read");
    secret_.put("", "");
    expect_kept(pem, "has no certificate");
    secret_.put(authority_.issue({.expires_in = -1h}));
    expect_kept(pem, "valid from");
    secret_.vanish();
    expect_kept(pem, "No such file");
    secret_.put(other);
    EXPECT_TRUE(look());
    EXPECT_EQ(served(), fingerprint(other));
    EXPECT_EQ(problem(), "");
    EXPECT_THAT(registry_->text(),
                HasSubstr(R"(muster_agent_certificate_refused{certificate="secret www"} 0)"));
}

TEST_F(CertificatesTest, AreNotComplainedOfBetweenTwoWrites) {
    const Authority::Pem pem = authority_.issue({});
    const Authority::Pem next = authority_.issue({});
    secret_.put(pem);
    EXPECT_TRUE(look());
    secret_.put(next.certificate, pem.key);
    EXPECT_FALSE(look());
    EXPECT_EQ(problem(), "");
    secret_.put(next);
    EXPECT_TRUE(look());
    EXPECT_EQ(served(), fingerprint(next));
}

TEST_F(CertificatesTest, OutliveTheAgentAndTheirSource) {
    const Authority::Pem pem = authority_.issue({});
    secret_.put(pem);
    EXPECT_TRUE(look());
    secret_.vanish();
    begin();
    expect_kept(pem, "No such file");
}

TEST_F(CertificatesTest, AreMadeAgainWhenSomebodyDeletesTheCopy) {
    const Authority::Pem pem = authority_.issue({});
    secret_.put(pem);
    EXPECT_TRUE(look());
    secret_.vanish();
    std::filesystem::remove_all(directory_ / "own");
    EXPECT_TRUE(look());
    EXPECT_EQ(served(), fingerprint(pem));
}

TEST_F(CertificatesTest, OfAnUnknownNameAreNoFileOfThisHost) {
    EXPECT_FALSE(look({"../../etc/passwd", "unknown", "none"}));
    EXPECT_EQ(certificates_->problems().size(), 3U);
    EXPECT_THAT(problem(), HasSubstr("not among the agent's tls.secrets"));
    for (const std::string& copy : listeners_[0].tls.certificates)
        EXPECT_TRUE(copy.starts_with((directory_ / "own").string())) << copy;
}

TEST_F(CertificatesTest, ByPathAreOnesOfTheirDirectoryOnly) {
    const Authority::Pem pem = authority_.issue({});
    std::filesystem::create_directory(directory_ / "tls");
    const std::string inside = directory_.write("tls/a.pem", pem.both()).string();
    const std::string outside = directory_.write("b.pem", pem.both()).string();
    EXPECT_TRUE(look({}, {inside, outside}));
    EXPECT_EQ(served(0), fingerprint(pem));
    EXPECT_THAT(served(1), HasSubstr("No such file"));
    EXPECT_THAT(problem(), HasSubstr("not below " + (directory_ / "tls").string()));
    // Another directory whose name only begins alike.
    std::filesystem::create_directory(directory_ / "tls2");
    const std::string beside = directory_.write("tls2/a.pem", pem.both()).string();
    EXPECT_FALSE(look({}, {beside}));
}

TEST_F(CertificatesTest, AreNotReadFromPipesAndDevices) {
    ASSERT_EQ(::mkfifo((directory_ / "secret/tls.crt.fifo").c_str(), 0600), 0);
    std::filesystem::remove(directory_ / "secret/tls.crt");
    std::filesystem::rename(directory_ / "secret/tls.crt.fifo", directory_ / "secret/tls.crt");
    EXPECT_FALSE(look());
    EXPECT_THAT(problem(), HasSubstr("is no regular file"));
}

TEST_F(CertificatesTest, AreToldToExpireAndStillServed) {
    const Authority::Pem pem = authority_.issue({.expires_in = 30 * 24h});
    secret_.put(pem);
    EXPECT_TRUE(look());
    EXPECT_EQ(problem(), "");
    later_ = 24 * 24h;
    EXPECT_FALSE(look());
    EXPECT_THAT(problem(), HasSubstr("expires on"));
    later_ = 31 * 24h;
    EXPECT_FALSE(look());
    EXPECT_THAT(problem(), HasSubstr("expired on"));
    EXPECT_EQ(served(), fingerprint(pem));
    const auto end = std::chrono::duration_cast<std::chrono::seconds>(
        read_certificate(pem.both(), pem.both())->not_after.time_since_epoch());
    EXPECT_THAT(
        registry_->text(),
        HasSubstr("muster_agent_certificate_not_after_seconds{certificate=\"secret www\"} " +
                  std::to_string(end.count())));
}

TEST_F(CertificatesTest, ThatBeginLaterAreTakenThen) {
    const Authority::Pem pem = authority_.issue({});
    secret_.put(pem);
    later_ = 100 * 24h;
    EXPECT_TRUE(look());  // expired: better than none
    const Authority::Pem next = authority_.issue({.expires_in = 200 * 24h});
    secret_.put(next);
    EXPECT_TRUE(look());
    EXPECT_EQ(served(), fingerprint(next));
}

// --- settings ------------------------------------------------------------------------------------

constexpr const char* least =
    "zookeeper: [127.0.0.1:2181]\nfleet: edge\ninstance: lb1\nhaproxy: {}\n";

TEST(CertificateSettingsTest, MapNamesToPlaces) {
    EXPECT_EQ(decode_agent_settings(least).settings.tls, CertificateSettings());
    const auto decoded = decode_agent_settings(
        std::string(least) +
        "tls: {directory: /srv/tls, secrets: {www: /run/secrets/www, api: /run/api.pem}}\n");
    EXPECT_THAT(decoded.problems, IsEmpty());
    EXPECT_EQ(
        decoded.settings.tls,
        (CertificateSettings{.directory = "/srv/tls",
                             .secrets = {{"www", "/run/secrets/www"}, {"api", "/run/api.pem"}}}));
}

TEST(CertificateSettingsTest, AreRefusedWithPlaceAndReason) {
    for (const char* bad : {"tls: {directory: etc}\n",
                            "tls: {directory: /srv/../etc}\n",
                            "tls: {secret: {}}\n",
                            "tls: {secrets: {a/b: /x}}\n",
                            "tls: {secrets: {www: x}}\n",
                            "tls: {secrets: [www]}\n"}) {
        const auto decoded = decode_agent_settings(std::string(least) + bad);
        ASSERT_EQ(decoded.problems.size(), 1U) << bad;
        EXPECT_THAT(config::to_string(decoded.problems[0]), HasSubstr("tls")) << bad;
    }
}

}  // namespace
}  // namespace muster::agent
