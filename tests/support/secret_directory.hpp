#pragma once

#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace muster::test {

/// A directory with `tls.crt` and `tls.key` that is replaced as Kubernetes does it: both are links
/// through `..data`, which leads to another directory from one moment to the next.
class SecretDirectory {
 public:
    explicit SecretDirectory(const TempDir& parent, std::string_view name = "secret")
        : path_(parent / name) {
        std::filesystem::create_directory(path_);
        std::filesystem::create_symlink("..data/tls.crt", path_ / "tls.crt");
        std::filesystem::create_symlink("..data/tls.key", path_ / "tls.key");
    }

    [[nodiscard]] std::string path() const { return path_.string(); }

    void put(std::string_view chain, std::string_view key) {
        const std::string name = "..version" + std::to_string(++versions_);
        std::filesystem::create_directory(path_ / name);
        std::ofstream(path_ / name / "tls.crt") << chain;
        std::ofstream(path_ / name / "tls.key") << key;
        std::filesystem::create_symlink(name, path_ / "..data_tmp");
        std::filesystem::rename(path_ / "..data_tmp", path_ / "..data");
    }
    void put(const Authority::Pem& pem) { put(pem.certificate, pem.key); }
    void vanish() { std::filesystem::remove(path_ / "..data"); }

 private:
    std::filesystem::path path_;
    int versions_ = 0;
};

}  // namespace muster::test
