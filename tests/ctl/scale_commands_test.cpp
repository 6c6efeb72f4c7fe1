#include "common/config/decode.hpp"
#include "ctl/command_line.hpp"
#include "ctl/scale.hpp"
#include "scaler/decide.hpp"
#include "scaler/recording.hpp"
#include "scaler/simulation.hpp"
#include "scaler/spec_policy.hpp"
#include "tests/ctl/command_fixture.hpp"
#include "tests/support/temp_dir.hpp"

// `musterctl scale ...`: what is printed, and the exit codes.
namespace muster::ctl {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr WallTime noon{std::chrono::seconds(1'772'366'400)};  // 2026-03-01T12:00:00Z

std::string document(int target) {
    return "kind: Fleet\nname: edge\nspec:\n"
           "  listeners: [{name: web, bind: \":80\", group: web}]\n"
           "  provider: {name: local}\n"
           "  scaling:\n    min: 1\n    max: 10\n    period: 10s\n    warm_up: 90s\n"
           "    metrics: [{name: connections, query: a, target: {total_average: " +
           std::to_string(target) +
           "}}]\n"
           "    out: {tolerance: 0}\n    in: {tolerance: 0, window: 0s, budgets: []}\n";
}

std::string history(const std::vector<int>& values) {
    std::string text = "time,metric,value\n";
    for (std::size_t i = 0; i < values.size(); ++i)
        text += std::to_string(1'772'366'400 + 10 * i) + ",connections," +
                std::to_string(values[i]) + "\n";
    return text;
}

class Scale : public CommandFixture {
 protected:
    static SimulateOptions options() {
        return {
            .policy = {.name = "new.yaml", .text = document(100)},
            .history = {.name = "h.csv", .text = history({100, 100, 300, 300, 300, 100, 100, 100})},
            .boot = "10s",
            .warm_up = "10s",
            .drain = "10s"};
    }
    Exit simulate(const SimulateOptions& with) {
        return run([with](Context& context) { return scale_simulate(context, with); });
    }
    Exit refused(const SimulateOptions& with) {
        const Exit exit = simulate(with);
        EXPECT_EQ(out(), "");
        return exit;
    }
    Exit replay(const std::vector<NamedText>& recordings, const NamedText& policy = {}) {
        ScaleReplayOptions with{.policy = policy};
        std::map<std::string, std::string> texts;
        for (const NamedText& one : recordings) {
            with.recordings.push_back(one.name);
            texts[one.name] = one.text;
        }
        with.read = [texts](const std::string& file) { return texts.at(file); };
        return run([with](Context& context) { return scale_replay(context, with); });
    }
    Exit explain(const ScaleExplainOptions& with) {
        return run([with](Context& context) { return scale_explain(context, with); });
    }
};

TEST_F(Scale, ShowsFiguresAndTheSizeOverTime) {
    SimulateOptions with = options();
    with.ascii = true;
    ASSERT_EQ(simulate(with), Exit::ok) << err();
    EXPECT_THAT(out(),
                StartsWith("fleet edge, 2026-03-01T12:00:00Z to 2026-03-01T12:01:10Z: 8 ticks of "
                           "10 s\nmodel: 10 s to boot, 10 s to warm up, 10 s to drain; an instance "
                           "bears connections 100\n"));
    EXPECT_THAT(out(), HasSubstr("short of capacity, s"));
    EXPECT_THAT(out(), HasSubstr("\n    3 |"));
    EXPECT_THAT(out(), HasSubstr("short  "));
    EXPECT_TRUE(
        std::ranges::all_of(out(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}

TEST_F(Scale, PlotsAsWideAsTheTerminal) {
    SimulateOptions with = options();
    ASSERT_EQ(simulate(with), Exit::ok) << err();
    EXPECT_THAT(out(), AllOf(HasSubstr("█"), HasSubstr("░")));
    // 1 serves until 40 s; 3 are ordered from 20 s on. 8 ticks share 92 columns.
    EXPECT_THAT(out(), HasSubstr("░░░░░░░░░░░░░░░░░░░░░░░███████████"));
    with.no_plot = true;
    ASSERT_EQ(simulate(with), Exit::ok);
    EXPECT_THAT(out(), Not(HasSubstr("█")));
}

TEST_F(Scale, ComparesTwoPolicies) {
    SimulateOptions with = options();
    with.against = {.name = "old.yaml", .text = document(50)};
    ASSERT_EQ(simulate(with), Exit::ok) << err();
    EXPECT_THAT(out(),
                AllOf(HasSubstr("new.yaml"), HasSubstr("old.yaml"), HasSubstr("DIFFERENCE")));
    // Both begin at the size that the new one gives, and are judged by what the old one has.
    EXPECT_THAT(out(), HasSubstr("an instance bears connections 50\n"));
    EXPECT_THAT(out(), HasSubstr(" ticks, first at 2026-03-01T12:00:00Z: 1 and 2\n"));
    with.against.text = with.policy.text;
    ASSERT_EQ(simulate(with), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("no difference: both have the same size at every tick\n"));
}

TEST_F(Scale, TellsWhichGuardsAreLeftOut) {
    SimulateOptions with = options();
    with.policy.text += "    errors: {query: e}\n";
    with.against = {.name = "old.yaml", .text = document(90) + "    latency: {query: l}\n"};
    EXPECT_EQ(simulate(with), Exit::ok);
    EXPECT_THAT(err(), HasSubstr("new.yaml: there is no history of its guard errors"));
    EXPECT_THAT(err(), HasSubstr("old.yaml: there is no history of its guard latency"));
    EXPECT_THAT(err(), Not(HasSubstr("new.yaml: there is no history of its guard latency")));
}

TEST_F(Scale, ExplainsTheDecisionOfATime) {
    SimulateOptions with = options();
    with.at = "2026-03-01T12:00:25Z";
    ASSERT_EQ(simulate(with), Exit::ok) << err();
    EXPECT_THAT(out(),
                HasSubstr("\n1 -> 3: connections wants 3 (ceil(300 / 100)); out budget of 4 or "
                          "100 % per 15 s allows it\nat 2026-03-01T12:00:20Z: "));
    with.at = "2026-03-02T12:00:25Z";
    EXPECT_EQ(refused(with), Exit::failed);
    EXPECT_THAT(err(), HasSubstr("--at 2026-03-02T12:00:25Z is not in what is simulated"));
}

TEST_F(Scale, WritesJsonCsvAndSvg) {
    SimulateOptions with = options();
    with.output = ScaleOutput::json;
    ASSERT_EQ(simulate(with), Exit::ok) << err();
    EXPECT_THAT(out(), HasSubstr("\"under_capacity_seconds\": 20"));
    with.output = ScaleOutput::csv;
    ASSERT_EQ(simulate(with), Exit::ok);
    EXPECT_THAT(out(),
                StartsWith("time,policy,wanted,size,serving,machines,needed,load_percent,waited,"
                           "held_by\n2026-03-01T12:00:00Z,new.yaml,1,1,1,1,1,100,0,\n"));
    EXPECT_THAT(out(), HasSubstr("\n2026-03-01T12:00:20Z,new.yaml,3,3,1,3,3,300,0,\n"));
    with.output = ScaleOutput::svg;
    with.policy.name = "<new> & \"old\"";
    ASSERT_EQ(simulate(with), Exit::ok);
    EXPECT_THAT(out(),
                AllOf(StartsWith("<svg xmlns="),
                      HasSubstr("&lt;new&gt; &amp; &quot;old&quot;"),
                      Not(HasSubstr("<new>")),
                      EndsWith("</svg>\n")));
    with.output = ScaleOutput::as_asked;
    format_ = Format::json;
    ASSERT_EQ(simulate(with), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("\"first_size\": 1"));
}

TEST_F(Scale, SaysWhatIsWrong) {
    const auto expect = [&](Exit exit, const std::string& text, auto change) {
        SimulateOptions with = options();
        change(with);
        EXPECT_EQ(refused(with), exit) << text;
        EXPECT_THAT(err(), HasSubstr(text));
    };
    using Options = SimulateOptions;
    expect(Exit::failed, "new.yaml: ", [](Options& with) { with.policy.text = "kind: Flea"; });
    expect(Exit::failed, "no fleet with `scaling`", [](Options& with) {
        with.policy.text =
            "kind: Fleet\nname: edge\nspec:\n  listeners: [{name: w, bind: \":80\", group: web}]\n";
    });
    expect(
        Exit::failed, "no fleet other with `scaling`", [](Options& with) { with.fleet = "other"; });
    expect(Exit::failed, "h.csv:2: the time", [](Options& with) {
        with.history.text = "time,metric,value\nx,y,1\n";
    });
    expect(Exit::failed, "new.yaml: metric connections: there is no history", [](Options& with) {
        with.history.text = "time,metric,value\n5,rps,1\n";
    });
    expect(Exit::usage, "--boot", [](Options& with) { with.boot = "soon"; });
    expect(Exit::usage, "--period", [](Options& with) { with.period = "0s"; });
    expect(Exit::usage, "--from", [](Options& with) { with.from = "yesterday"; });
    expect(Exit::usage, "--to", [](Options& with) { with.to = "-1y"; });
    expect(Exit::usage, "--bears connections: must", [](Options& with) {
        with.bearable = {"connections"};
    });
    expect(Exit::usage, "--bears rps=5: no policy has", [](Options& with) {
        with.bearable = {"rps=5"};
    });
    expect(Exit::failed, "there is no tick from", [](Options& with) {
        with.from = "2026-03-02T00:00:00Z";
    });
}

/// A recording that a node with this policy makes.
std::string recording(const std::string& policy, const std::string& written) {
    scaler::RecordingWriter writer;
    std::string text = writer.header({.fleet = "edge", .period = 10s, .policy = written});
    scaler::Past past{.series = {{.metric = "connections", .instance = "", .points = {}}},
                      .valid_for = 10s};
    for (int i = 0; i < 30; ++i)
        past.series[0].points.push_back(
            {.at = noon + i * 10s, .value = scaler::whole(100 + i * 37 % 400)});
    const auto rules = scaler::policy_of(*config::decode(policy).fleets.at(0).scaling);
    const auto run = simulate(rules, past, {.period = 10s}, [&](const scaler::TickView& tick) {
        text += writer.tick(tick.at, tick.history, tick.observed, tick.membership, tick.decision)
                    .value();
    });
    EXPECT_TRUE(run);
    return text;
}

TEST_F(Scale, ReplaysARecording) {
    const std::string text = recording(document(100), document(100));
    ASSERT_EQ(replay({{"edge.rec", text}}), Exit::ok) << err() << out();
    EXPECT_EQ(out(), "30 decisions, each the same to the byte\n");
    ASSERT_EQ(replay({{"edge.rec", text}}, {.name = "other.yaml", .text = document(50)}),
              Exit::failed);
    EXPECT_THAT(out(), StartsWith("edge.rec:2: at 2026-03-01T12:00:00Z wanted was 1 and is 2\n"));
    std::string changed = text;
    changed.replace(changed.rfind("\"was\":"), 7, "\"was\":9");
    ASSERT_EQ(replay({{"edge.rec", changed}}), Exit::usage);
    EXPECT_THAT(err(), StartsWith("error: edge.rec:31: the hash isn't that of this line"));
    const std::string torn = text.substr(0, text.size() - 9);
    ASSERT_EQ(replay({{"edge.rec", torn}}), Exit::ok);
    EXPECT_EQ(err(), "edge.rec:31: cut short, left out\n");
    ASSERT_EQ(replay({{"edge.rec", "{\"format\":\"must"}}), Exit::ok);
    EXPECT_EQ(err(), "edge.rec:1: cut short, left out\n");
    const std::string garbage = recording(document(100), "kind: Flea");
    ASSERT_EQ(replay({{"edge.rec", garbage}}), Exit::usage);
    EXPECT_THAT(err(), StartsWith("error: edge.rec:1: policy: line 1"));
}

TEST_F(Scale, ReplaysRecordingsOfSeveralNodesTogether) {
    const std::string text = recording(document(100), document(100));
    // Another node made the last decision anew, without knowing of the one before it.
    const std::size_t last = text.rfind('\n', text.size() - 2) + 1;
    const std::size_t before = text.rfind('\n', last - 2) + 1;
    const auto first = scaler::read_recording(text.substr(0, last), "");
    ASSERT_TRUE(first);
    const scaler::RecordedTick& lost = first->parts[0].ticks.back();
    scaler::RecordingWriter writer;
    std::string other = writer.header(
        {.fleet = "edge", .period = 10s, .policy = document(100), .node = "n2", .epoch = 2});
    const auto policy = scaler::policy_of(*config::decode(document(100)).fleets.at(0).scaling);
    const WallTime at = lost.at + 10s;
    other += writer
                 .tick(at,
                       lost.history,
                       lost.observed,
                       *lost.membership,
                       scaler::decide(policy, lost.history, lost.observed, *lost.membership, at))
                 .value();
    ASSERT_EQ(replay({{"n1/edge.rec", text.substr(0, last)}, {"n2/edge.rec", other}}), Exit::ok)
        << err();
    EXPECT_EQ(out(),
              "30 decisions in 2 files, each the same to the byte\n"
              "1 of them came to nothing: the next one was made without knowing of it\n");
    // What can't be read of one holds up no other.
    ASSERT_EQ(replay({{"n1/edge.rec", text.substr(0, before) + "no\n"}, {"n2/edge.rec", other}}),
              Exit::usage);
    EXPECT_THAT(err(), StartsWith("error: n1/edge.rec:30: the line doesn't end with its hash"));
    EXPECT_EQ(out(), "1 decisions, each the same to the byte\n");
}

TEST_F(Scale, SimulatesFromARecording) {
    SimulateOptions with = options();
    with.history = {};
    with.recording = {.name = "edge.rec", .text = recording(document(100), document(100))};
    ASSERT_EQ(simulate(with), Exit::ok) << err();
    EXPECT_THAT(out(), HasSubstr("30 ticks of 10 s"));
    with.recording.text.insert(with.recording.text.find("samples"), "x");
    EXPECT_EQ(refused(with), Exit::failed);
    EXPECT_THAT(err(), HasSubstr("edge.rec:2: the hash isn't"));
}

TEST_F(Scale, ExplainShowsWhatTheNodeSays) {
    node().on("GET /api/v1/fleets/edge/scaling",
              R"json({"fleet":"edge","shadow":true,"explanation":{"was":4,"size":6,"text":[
              "4 -> 6: connections wants 6 (ceil(520 / 100))","metrics:",
              "  connec\u001b[31mtions wants 6"]}})json");
    ASSERT_EQ(explain({.fleet = "edge", .at = ""}), Exit::ok) << err();
    EXPECT_EQ(out(),
              "edge (shadow: decided, not done): 4 -> 6: connections wants 6 (ceil(520 / 100))\n"
              "metrics:\n  connec?[31mtions wants 6\n");
    format_ = Format::json;
    ASSERT_EQ(explain({.fleet = "edge", .at = ""}), Exit::ok);
    EXPECT_THAT(out(), HasSubstr("\"was\": 4"));
}

TEST_F(Scale, ExplainAsksForATime) {
    node().on("GET /api/v1/fleets/edge/scaling",
              R"({"fleet":"edge","explanation":null,"why":"nothing was decided before 12:00"})");
    ASSERT_EQ(explain({.fleet = "edge", .at = "2026-03-01T12:00:00Z"}), Exit::not_found);
    EXPECT_EQ(err(), "error: there is no decision of edge: nothing was decided before 12:00\n");
    EXPECT_EQ(node().requests.back().query_value("at"), "2026-03-01T12:00:00Z");
    node().on("GET /api/v1/fleets/edge/scaling",
              R"({"fleet":"edge","tick":{"time":"2026-03-01T11:59:50Z","node":"n\u001b2","epoch":17,
              "same":false},"explanation":{"text":["stays 2"]},
              "nodes":[{"node":"n1","problems":["it can't be asked: refused"]}]})");
    ASSERT_EQ(explain({.fleet = "edge", .at = "-10m"}), Exit::ok);
    EXPECT_EQ(err(), "warning: n1: it can't be asked: refused\n");
    EXPECT_EQ(out(),
              "decided at 2026-03-01T11:59:50Z by n?2 in epoch 17; decided again, it is another "
              "one\nedge: stays 2\n");
    EXPECT_EQ(explain({.fleet = "edge", .at = "noon"}), Exit::usage);
    EXPECT_EQ(explain({.fleet = "other", .at = ""}), Exit::not_found);
}

TEST_F(Scale, PausesOneFleet) {
    node().on("POST /api/v1/fleets/edge/pause",
              R"({"fleet":"edge","pause":{"kind":"in","by":"alice","reason":"sa\u001ble",
              "until":"2026-03-01T12:30:00Z"}})");
    node().on("POST /api/v1/fleets/edge/resume",
              R"({"fleet":"edge","pause":{"kind":"none","by":"alice","reason":"","until":null}})");
    const auto pause = [&](const ScalePauseOptions& with) {
        return run([with](Context& context) { return scale_pause(context, with); });
    };
    ASSERT_EQ(pause({.fleet = "edge", .kind = "in", .lasts = "30m", .reason = "sale"}), Exit::ok)
        << err();
    EXPECT_EQ(out(), "edge: paused (in) by alice until 2026-03-01T12:30:00Z: sa?le\n");
    EXPECT_EQ(node().requests.back().body, R"({"kind":"in","for":"30m","reason":"sale"})");
    ASSERT_EQ(pause({.fleet = "edge", .resume = true}), Exit::ok) << err();
    EXPECT_EQ(out(), "edge: not paused\n");
    EXPECT_EQ(node().requests.back().body, "");
    EXPECT_EQ(pause({.fleet = "other"}), Exit::not_found);
}

TEST_F(Scale, GivesUpAHost) {
    node().on("POST /api/v1/fleets/edge/hosts/n3/forget",
              R"({"fleet":"edge","host":"n3","instances":["edge-1-1","edge-1-2"]})");
    const auto forget = [&](const ForgetHostOptions& with) {
        return run([with](Context& context) { return forget_host(context, with); });
    };
    ASSERT_EQ(forget({.fleet = "edge", .host = "n3", .reason = "burnt"}), Exit::ok) << err();
    EXPECT_EQ(out(), "given up: n3 of edge, with edge-1-1 edge-1-2\n");
    EXPECT_EQ(node().requests.back().body, R"({"reason":"burnt"})");
    ASSERT_EQ(forget({.fleet = "edge", .host = "n3", .dry_run = true}), Exit::ok) << err();
    EXPECT_EQ(node().requests.back().query_value("dry_run"), "1");
}

TEST_F(Scale, ExplainTellsOfThePause) {
    node().on("GET /api/v1/fleets/edge/scaling",
              R"json({"fleet":"edge","explanation":{"text":["4 -> 4: paused"]},
              "pause":{"kind":"all","by":"alice","reason":"","until":null}})json");
    ASSERT_EQ(explain({.fleet = "edge", .at = ""}), Exit::ok) << err();
    EXPECT_EQ(out(), "edge: 4 -> 4: paused\n  paused (all) by alice\n");
}

TEST(ScaleCommandLine, ReadsItsFilesAndTellsMistakes) {
    const test::TempDir folder;
    const std::string policy = folder.write("p.yaml", document(100));
    const std::string values = folder.write("h.csv", history({1, 2, 3}));
    std::istringstream in;
    const auto parse = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "scale");
        return parse_command_line(arguments, in);
    };
    const std::vector<std::string> simulate = {"simulate", "--policy", policy};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), simulate.begin(), simulate.end());
        return more;
    };
    for (const std::vector<std::string>& well : std::vector<std::vector<std::string>>{
             with({"--history", values}),
             with({"--recording", values, "-o", "svg"}),
             with({"--prometheus", "http://a:9090", "--from", "-7d"}),
             with({"--history", values, "--bears", "a=1", "--bears", "b=2"}),
             {"replay", values},
             {"explain", "edge", "--at", "-10m"},
             {"pause", "edge"},
             {"pause", "edge", "--in", "--for", "30m", "--reason", "sale"},
             {"resume", "edge"},
             {"forget-host", "edge", "n3", "--dry-run"}}) {
        const Invocation invocation = parse(well);
        EXPECT_TRUE(invocation.command) << testing::PrintToString(well) << invocation.text;
    }
    for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
             {},
             {"guess"},
             {"simulate"},
             simulate,
             {"simulate", "--history", values},
             with({"--history", values, "--recording", values}),
             with({"--history", values, "--prometheus", "http://a:1"}),
             with({"--prometheus", "http://a:1"}),
             with({"--history", values, "--step", "15s"}),
             with({"--history", values, "-o", "xml"}),
             with({"--history", values, "--initial", "-2"}),
             {"replay"},
             {"explain"},
             {"pause"},
             {"pause", "edge", "--in", "--out"},
             {"resume", "edge", "--in"},
             {"forget-host", "edge"}}) {
        const Invocation invocation = parse(wrong);
        EXPECT_FALSE(invocation.command) << testing::PrintToString(wrong);
        EXPECT_EQ(invocation.exit, Exit::usage) << testing::PrintToString(wrong);
    }
    EXPECT_EQ(parse({"replay", "/nowhere/at/all"}).exit, Exit::failed);
}

}  // namespace
}  // namespace muster::ctl
