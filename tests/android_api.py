"""The members of Android's classes at one API level, read from the Python stubs of a package, and what class files use.

The stubs are those of `chaquopy-stubs-android`, generated from Android's own platform jar: one `__init__.pyi` per Java
package. They name each class, its bases, its fields and its methods with their parameters, but no checked exceptions.
"""

from __future__ import annotations

import ast
import re
import subprocess
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PLAIN = {"Z": "bool", "B": "int", "S": "int", "I": "int", "J": "int", "F": "float", "D": "float", "V": "None"}
_TYPE = re.compile(r"\[*(?:[ZBSIJFDV]|L[^;]+;)")
# A member of another class, and of the class itself: javap leaves out the name of that.
_USE = re.compile(r"= (Fieldref|Methodref|InterfaceMethodref) .*// (?:([\w/$]+)\.)?\"?([\w<>$]+)\"?:(\S+)")
_DECLARED = re.compile(r"^  \S.*?([\w$]+)(?:\(.*)?;\n    descriptor: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """A member of an Android class that a class file uses.

    Attributes:
        owner: the class, such as `android/os/Handler`.
        name: the member; `<init>` is a constructor.
        descriptor: its type, as class files write it.
    """

    owner: str
    name: str
    descriptor: str


def uses_of(classes: Path) -> set[Use]:
    """Return the members of Android's classes that the class files in a folder use, inherited ones included."""
    files = sorted(str(path) for path in classes.rglob("*.class"))
    done = subprocess.run(["javap", "-v", "-p", *files], capture_output=True, text=True, check=True)
    used: set[Use] = set()
    bases: dict[str, str] = {}
    declared: set[Use] = set()
    for text in done.stdout.split("Classfile ")[1:]:
        owner, base = (re.findall(rf"{side}_class: #\d+ +// (\S+)", text)[0] for side in ("this", "super"))
        bases[owner] = base
        declared |= {Use(owner, name, descriptor) for name, descriptor in _DECLARED.findall(text)}
        used |= {Use(one[2] or owner, one[3], one[4]) for one in _USE.finditer(text)}
    found = set()
    for use in used:
        holder = use.owner
        while use.name != "<init>" and holder in bases and Use(holder, use.name, use.descriptor) not in declared:
            holder = bases[holder]
        if holder.startswith("android/"):
            found.add(Use(holder, use.name, use.descriptor))
    return found


class AndroidApi:
    """The classes of one API level.

    Args:
        wheel: the package with the stubs.
    """

    def __init__(self, wheel: Path) -> None:
        self._archive = zipfile.ZipFile(wheel)
        self._names = frozenset(self._archive.namelist())

    def has(self, use: Use) -> bool:
        """Whether the API has a member, in the class itself or a class that it extends."""
        package, _, name = use.owner.rpartition("/")
        return self._find(package.replace("/", "."), name.replace("$", "."), use, 0)

    def _find(self, package: str, name: str, use: Use, depth: int) -> bool:
        body = self._class(package, name)
        if body is None or depth > 20:
            return False
        for member in body.body:
            if isinstance(member, ast.AnnAssign) and ast.unparse(member.target) == use.name:
                return "(" not in use.descriptor
            if isinstance(member, ast.FunctionDef) and _fits(member, use):
                return True
        return use.name != "<init>" and any(self._in_base(package, name, base, use, depth) for base in body.bases)

    def _in_base(self, package: str, name: str, base: ast.expr, use: Use, depth: int) -> bool:
        dotted = ast.unparse(base).split("[")[0]
        if (found := re.match(r"((?:[a-z]\w*\.)+)([A-Z].*)", dotted)) is not None:
            return self._find(found[1].rstrip("."), found[2], use, depth + 1)
        return self._find(package, dotted, use, depth + 1)

    def _class(self, package: str, name: str) -> ast.ClassDef | None:
        body: list[ast.stmt] = self._module(package)
        found: ast.ClassDef | None = None
        for part in name.split("."):
            found = next((one for one in body if isinstance(one, ast.ClassDef) and one.name == part), None)
            if found is None:
                return None
            body = found.body
        return found

    @cache  # noqa: B019 - the tests make one object
    def _module(self, package: str) -> list[ast.stmt]:
        root, _, rest = package.partition(".")
        path = "/".join(filter(None, [f"{root}-stubs", *rest.split("."), "__init__.pyi"]))
        return ast.parse(self._archive.read(path)).body if path in self._names else []


def _fits(method: ast.FunctionDef, use: Use) -> bool:
    """Whether a method of the stubs has the name and the types of a use."""
    if "(" not in use.descriptor or method.name != use.name.replace("<init>", "__init__"):
        return False
    arguments = [*method.args.posonlyargs, *method.args.args]
    if arguments and arguments[0].annotation is None:  # self or cls
        del arguments[0]
    written = [ast.unparse(one.annotation) if one.annotation else "" for one in arguments]
    if method.args.vararg is not None and method.args.vararg.annotation is not None:
        written.append(f"Array[{ast.unparse(method.args.vararg.annotation)}]")
    taken, given = use.descriptor[1:].split(")")
    types = _TYPE.findall(taken)
    result = ast.unparse(method.returns) if method.returns else "None"
    return len(types) == len(written) and all(map(_is_type, types, written)) and _is_type(given, result)


def _is_type(descriptor: str, annotation: str) -> bool:
    """Whether a type of a class file can be the one that the stubs write."""
    if descriptor.startswith("["):
        return "rray" in annotation or "Sequence" in annotation or "bytes" in annotation
    if descriptor in _PLAIN:
        return annotation.split(" ")[0] == _PLAIN[descriptor]
    name = re.split(r"[/$]", descriptor[1:-1])[-1]
    if name == "Object" or annotation.startswith("java.lang.Object"):  # a type parameter
        return True
    if name == "Class":
        return annotation.startswith("typing.Type")
    return re.search(rf"\b{'str' if name == 'String' else name}\b", annotation) is not None or name in annotation
