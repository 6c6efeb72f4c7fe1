"""cmake/together.py puts together only what means the same alone."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAIN = 'int twice(int of) { return 2 * of; }\n'
UNNAMED = "namespace {\n%s\n}  // namespace\n"
# What the two say, and whether they share a unit.
PAIRS = [
    (PLAIN, "int thrice(int of) { return 3 * of; }\n", True),
    (UNNAMED % "int text_of(int n) {\n    return n;\n}", UNNAMED % "int text_of(long n) {\n    return 1;\n}", False),
    (UNNAMED % "int text_of(int n) {\n    return n;\n}", "int x = text_of(3);\n", False),
    (UNNAMED % "int text_of(int n) {\n    return n;\n}", "int x = 1;  // unlike text_of()\n", True),
    (UNNAMED % "int text_of(int n) {\n    return n;\n}", 'const char* x = "text_of";\n', True),
    (UNNAMED % "int first() {\n    return 1;\n}\nint second() {\n    return 2;\n}", "int second;\n", False),
    (UNNAMED % "std::map<int, std::vector<int>> table{{1, {2}}};", "void f(int table);\n", False),
    (UNNAMED % "template <typename T>\nT largest(T a) {\n    return a;\n}", "int largest;\n", False),
    (UNNAMED % "enum class Way { in, out };", "int Way;\n", False),
    (UNNAMED % "enum Way { in, out };", "int out;\n", False),
    (UNNAMED % "class Reader final : Base {\n    int hidden;\n};", "struct Reader;\n", False),
    (UNNAMED % "class Reader final : Base {\n    int hidden;\n};", "int hidden;\n", True),
    (UNNAMED % "using std::chrono::seconds;", "std::chrono::seconds x;\n", False),
    (UNNAMED % "using std::chrono::seconds;", UNNAMED % "using std::chrono::seconds;", True),
    ("namespace json = boost::json;\n", "namespace json = boost::json;\n", True),
    ("namespace json = boost::json;\n", "namespace json = other::json;\n", False),
    ("static int read(int from) {\n    return 1;\n}\n", "int y = read(1);\n", False),
    ("using namespace muster;\n", PLAIN, False),
    ("using namespace std::chrono_literals;\n", PLAIN, True),
    ("#define TWO 2\n", PLAIN, False),
    ('extern "C" {\n#include <sys/pidfd.h>\n}\n', PLAIN, False),
    ("TEST(Suite, Case) {}\n", "TEST(Suite, Case) {}\n", True),
    ("TEST(Suite, Case) {}\n", "struct Suite_Case_Test;\n", False),
]


def shared(root, *texts):
    paths = []
    for n, text in enumerate(texts):
        paths.append(root / f"{n}.cpp")
        paths[-1].write_text(text)
    out = subprocess.run([sys.executable, "-B", ROOT / "cmake/together.py", root, root / "out", *paths],
                         capture_output=True, text=True, check=True).stdout
    return [path.rsplit("/", 1)[1] for path in out.split(";")]


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for one, other, together in PAIRS:
            for texts in ((one, other), (other, one)):
                made = shared(root, *texts)
                assert (made == ["together_0.cpp"]) == together, f"{texts}: {made}"
        made = shared(root, '#include <set>\n#include "a.hpp"\nint a;\n', '#include <set>\nint b;\n')
        assert (root / "out/together_0.cpp").read_text() == (
            '#include "a.hpp"\n#include <set>\n#include "0.cpp"\n#include "1.cpp"\n'), made
        made = shared(root, *["int x;\n" * 1000] * 5)
        assert made == ["together_0.cpp", "together_1.cpp", "4.cpp"], made
        shared(root, PLAIN, "int a;\n")
        assert [path.name for path in (root / "out").iterdir()] == ["together_0.cpp"]


if __name__ == "__main__":
    main()
