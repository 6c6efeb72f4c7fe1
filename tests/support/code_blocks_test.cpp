#include "tests/support/code_blocks.hpp"

#include <gmock/gmock.h>

namespace muster::test {
namespace {

TEST(CodeBlocks, AreNamedByTheirHeadings) {
    const std::vector<CodeBlock> expected{
        {.name = "DNS 1", .language = "yaml", .text = "# no heading\na: b\n"},
        {.name = "DNS 2", .language = "", .text = "c\n"},
        {.name = "ICMP echo 1", .language = "text", .text = ""}};
    EXPECT_EQ(code_blocks("# Probes\nwords\n## DNS\n```yaml\n# no heading\na: b\n```\n"
                          "`inline`\n```\nc\n```\n### ICMP echo\n```text\n```\n"),
              expected);
}

}  // namespace
}  // namespace muster::test
