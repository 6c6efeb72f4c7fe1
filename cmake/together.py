"""Which sources of a target are compiled together, as one (docs/decisions/0032-compiled-together.md).

    together.py ROOT FOLDER SOURCE...    writes FOLDER/together_N.cpp; prints what is to be compiled, by ;

Most of what a file costs is its headers, so files that share a translation unit cost a quarter. Two may when no name
that one has for itself (in an unnamed namespace, static, or by `using`) occurs in the other: so a file means the same
alone and among others. The headers of all come first: no header sees such a name.
"""

import re
import sys
from pathlib import Path

MOST_LINES = 2500

_COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|'
    r'"(?:\\.|[^"\\\n])*"|(?<![\w])\'(?:\\.|[^\'\\\n])+\'', re.S)
_INCLUDE = re.compile(r"^#include [^\n]+", re.M)
_UNNAMED = re.compile(r"^namespace \{$", re.M)
_STATIC = re.compile(r"^static [^;{]*?(\w+)\(", re.M)
_USING = re.compile(r"^(?:using ([\w:]+);|using (\w+) =|namespace (\w+) =)[^\n]*", re.M)
_OPENS_ALL = re.compile(r"^using namespace (?!std::\w*literals)", re.M)
_PREPROCESSED = re.compile(r"^\s*#", re.M)
_EXTERN = re.compile(r'^extern "" \{', re.M)
_CASE = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.M)
_PREFIX = re.compile(
    r"^template\s*<.*?>\s*(?=\w)|\[\[.*?\]\]|^(?:inline|constexpr|static)\b", re.S)
_TYPE = re.compile(r"^(?:struct|class|union|enum(?: class| struct)?)\s+(?:\[\[.*?\]\]\s*)?(\w+)")


class Source:
    def __init__(self, path):
        text = path.read_text()
        self.path = path
        self.lines = text.count("\n")
        bare = _COMMENT_OR_TEXT.sub('""', text)
        # In these a quoted path would be taken for text.
        self.includes = _INCLUDE.findall(text)
        code = _INCLUDE.sub("", bare)
        # Of `extern "C" {` only headers are the inside.
        self.alone = any(pattern.search(code) for pattern in (_OPENS_ALL, _PREPROCESSED, _EXTERN))
        self.words = set(re.findall(r"[A-Za-z_]\w*", code))
        self.own = {}  # name -> the text of a `using`, or None
        for begin in _UNNAMED.finditer(code):
            self.own.update(dict.fromkeys(_names(_until_closed(code, begin.end()))))
        self.own.update(dict.fromkeys(_STATIC.findall(code)))
        # Cases with one name in two files of a program are an error in any case.
        self.own.update({f"{suite}_{case}_Test": None for suite, case in _CASE.findall(code)})
        for match in _USING.finditer(code):
            name = (match[1] or match[2] or match[3]).split("::")[-1]
            self.own[name] = match[0]
        for macro in [name for name in self.own if name.isupper()] + ["operator"]:
            self.own.pop(macro, None)


def _until_closed(code, begin):
    depth = 1
    for at in range(begin, len(code)):
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        if depth == 0:
            return code[begin:at]
    return code[begin:]


def _names(block):
    """What is declared in a namespace, not deeper."""
    for chunk in _chunks(block):
        head = _PREFIX.sub("", chunk.strip()).strip()
        if head.startswith(("using ", "namespace ")) or not head:
            yield from (next(filter(None, match.groups())).split("::")[-1] for match in _USING.finditer(head + ";"))
            continue
        kind = _TYPE.match(head)
        if kind:
            yield kind[1]
            yield from re.findall(r"\b(\w+)\b\s*(?=[,}=])", chunk) if head.startswith("enum ") else ()
            continue
        plain = _without_angles(head)
        yield from re.findall(r"(\w+)\s*(?:[(={\[;]|$)", plain)[:1]


def _without_angles(head):
    depth, out = 0, []
    for at, character in enumerate(head):
        if character == "<":
            depth += 1
        elif character == ">" and head[at - 1] != "-":
            depth -= 1
        elif depth <= 0:
            out.append(character)
    return "".join(out)


def _chunks(block):
    """Its declarations, each with its body."""
    depth, begin = 0, 0
    for at, character in enumerate(block):
        if character in "({[":
            depth += 1
        elif character in ")}]":
            depth -= 1
            if depth == 0 and character == "}" and block[at + 1:at + 2] in ("\n", ""):
                yield block[begin:at + 1]
                begin = at + 1
        elif character == ";" and depth == 0:
            yield block[begin:at]
            begin = at + 1


def may_share(one, other):
    if one.alone or other.alone:
        return False
    for mine, theirs in ((one, other), (other, one)):
        for name, how in mine.own.items():
            if name in theirs.words and not (how and theirs.own.get(name) == how):
                return False
    return True


def groups(sources):
    made = []
    for source in sources:
        for group in made:
            if sum(each.lines for each in group) + source.lines <= MOST_LINES and all(
                    may_share(source, each) for each in group):
                group.append(source)
                break
        else:
            made.append([source])
    return made


def main(root, folder, *paths):
    root, folder = Path(root), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    compiled, kept = [], set()
    for group in groups([Source(Path(path)) for path in sorted(paths)]):
        if len(group) == 1:
            compiled.append(group[0].path)
            continue
        includes = sorted({include for source in group for include in source.includes})
        # By paths from the root, so that other checkouts' compilers' caches know them.
        text = "\n".join([*includes, *(f'#include "{source.path.relative_to(root)}"' for source in group), ""])
        path = folder / f"together_{len(kept)}.cpp"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        kept.add(path)
        compiled.append(path)
    for old in set(folder.glob("together_*.cpp")) - kept:
        old.unlink()
    print(";".join(map(str, compiled)), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
