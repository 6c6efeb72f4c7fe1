"""Our own text files, and their text without comments and literals."""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("common", "checker", "scaler", "dnsupdate", "orchestrator", "agent", "ctl", "tests", "deploy", "cmake")
CODE = {".cpp", ".hpp"}
TEXT = CODE | {".py", ".txt", ".cmake", ".sh", ".mjs", ".js", ".html", ".css", ".yaml", ".md", ""}
SKIPPED_FOLDERS = {"node_modules", "__pycache__", "corpus", "fixtures"}

# Comments and literals; a quote after a digit is a digit separator.
LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)


@dataclass(frozen=True)
class Source:
    """`path` is relative to the root of the tree, with slashes."""
    path: str
    text: str

    @property
    def suffix(self):
        return Path(self.path).suffix

    @property
    def is_code(self):
        return self.suffix in CODE

    @property
    def is_test(self):
        return self.path.startswith("tests/")

    @property
    def folders(self):
        return self.path.split("/")[:-1]

    @cached_property
    def lines(self):
        return self.text.splitlines()

    @cached_property
    def code_lines(self):
        """The same lines with comments and literals blanked out."""
        return LITERAL.sub(lambda at: re.sub(r"[^\n]", " ", at.group(0)), self.text).splitlines()


def _files(folder):
    for parent, folders, names in os.walk(ROOT / folder):
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
        yield from (Path(parent) / name for name in sorted(names))


def all_sources():
    files = [path for path in sorted(ROOT.iterdir()) if path.is_file()]
    for folder in FOLDERS:
        files += _files(folder)
    for path in files:
        if path.suffix in TEXT and path.is_file():
            yield Source(path.relative_to(ROOT).as_posix(), path.read_text(errors="replace"))
