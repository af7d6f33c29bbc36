# SPDX-License-Identifier: GPL-2.0-or-later
"""btf.py - reads type information (BTF) and BPF object files, with nothing but Python. Used by btf_check."""
import struct

(INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT,
 DECL_TAG, TYPE_TAG, ENUM64) = range(1, 20)
MODIFIERS = {TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG}
COMPOSITE = {STRUCT, UNION}
ENUMS = {ENUM, ENUM64}
# What follows a type's three words: bytes, and bytes per element of vlen.
FIXED = {INT: 4, ARRAY: 12, VAR: 4, DECL_TAG: 4}
PER_ELEMENT = {STRUCT: 12, UNION: 12, ENUM: 8, FUNC_PROTO: 8, DATASEC: 12, ENUM64: 12}


def essential(name):
    """The name without its flavour: task_struct___old is task_struct."""
    at = name.rfind("___")
    return name[:at] if at > 0 else name


class Btf:
    """All types of one BTF blob; a type is its number, 0 is void."""

    def __init__(self, data):
        magic, _, _, header = struct.unpack_from("<HBBI", data, 0)
        if magic != 0xEB9F:
            raise ValueError("this is no BTF")
        type_at, type_len, string_at, string_len = struct.unpack_from("<IIII", data, 8)
        self.data = data[header + type_at : header + type_at + type_len]
        self.strings = data[header + string_at : header + string_at + string_len]
        self.at, self.by_name = [0], {}
        self._index()

    def _index(self):
        data, at, end, places, names = self.data, 0, len(self.data), self.at, self.by_name
        unpack = struct.Struct("<II").unpack_from
        while at < end:
            name, info = unpack(data, at)
            kind = info >> 24 & 0x1F
            if name:
                names.setdefault(name, []).append(len(places))
            places.append(at)
            at += 12 + FIXED.get(kind, 0) + PER_ELEMENT.get(kind, 0) * (info & 0xFFFF)

    def string(self, offset):
        return self.strings[offset : self.strings.index(b"\0", offset)].decode(errors="replace")

    def _words(self, t):
        return struct.unpack_from("<III", self.data, self.at[t])

    def kind(self, t):
        return self._words(t)[1] >> 24 & 0x1F if t else 0

    def name(self, t):
        return self.string(self._words(t)[0]) if t else "void"

    def link(self, t):
        """The type that this one refers to: of a pointer, modifier, function."""
        return self._words(t)[2]

    def skip(self, t):
        while t and self.kind(t) in MODIFIERS:
            t = self.link(t)
        return t

    def find(self, name, kinds):
        """All types of this name and one of these kinds."""
        at = self.strings.find(b"\0" + name.encode() + b"\0")
        return [t for t in self.by_name.get(at + 1, ()) if self.kind(t) in kinds] if at >= 0 else []

    def members(self, t):
        """(name, type, bit offset, bit-field size) of a struct or union."""
        _, info, _ = self._words(t)
        for i in range(info & 0xFFFF):
            name, member, offset = struct.unpack_from("<III", self.data, self.at[t] + 12 + 12 * i)
            bits = offset >> 24 if info >> 31 else 0
            yield self.string(name), member, offset & 0xFFFFFF if info >> 31 else offset, bits

    def array(self, t):
        element, _, count = struct.unpack_from("<III", self.data, self.at[t] + 12)
        return element, count

    def parameters(self, t):
        _, info, _ = self._words(t)
        return [struct.unpack_from("<II", self.data, self.at[t] + 12 + 8 * i)[1] for i in range(info & 0xFFFF)]

    def enumerators(self, t):
        _, info, _ = self._words(t)
        each = PER_ELEMENT[self.kind(t)]
        return [self.string(struct.unpack_from("<I", self.data, self.at[t] + 12 + each * i)[0])
                for i in range(info & 0xFFFF)]

    def size(self, t):
        t = self.skip(t)
        kind = self.kind(t)
        if kind == PTR:
            return 8
        if kind == ARRAY:
            element, count = self.array(t)
            return self.size(element) * count
        return self._words(t)[2] if kind in COMPOSITE | ENUMS | {INT, FLOAT} else 0

    def signed(self, t):
        """True, False, or None where the question makes no sense (and for char, whose sign nobody relies on)."""
        t = self.skip(t)
        if self.kind(t) == INT and self.name(t) == "signed char":  # pahole of 5.10 notes it as a char without sign
            return True
        if self.kind(t) == INT and self.name(t) != "char":
            if self.name(t) == "signed char":
                return True  # the compiler of 5.10 forgot to say so
            return bool(struct.unpack_from("<I", self.data, self.at[t] + 12)[0] >> 24 & 1)
        return None

    def describe(self, t):
        kind = self.kind(t)
        if kind == PTR:
            return self.describe(self.link(t)) + " *"
        if kind in (CONST, VOLATILE, RESTRICT, TYPE_TAG):
            return self.describe(self.link(t))
        if kind == ARRAY:
            element, count = self.array(t)
            return f"{self.describe(element)}[{count}]"
        word = {STRUCT: "struct ", UNION: "union ", ENUM: "enum ", FWD: "struct "}.get(kind, "")
        return word + (self.name(t) or "(unnamed)")


class Object:
    """A BPF object file: its BTF, instructions, functions and CO-RE relocations."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.elf = f.read()
        if self.elf[:4] != b"\x7fELF":
            raise ValueError(f"{path} is no ELF file")
        self.sections = self._sections()
        by_name = {name: self.elf[at : at + size] for name, _, at, size, _ in self.sections}
        self.btf = Btf(by_name[".BTF"])
        self.code = {name: self.elf[at : at + size] for name, kind, at, size, flags in self.sections
                     if kind == 1 and flags & 4 and size}
        self.functions = self._functions()  # (section, name, first byte, bytes)
        self.relocations = self._relocations(by_name.get(".BTF.ext"))  # section -> {byte: (type, access, kind)}

    def _sections(self):
        table, = struct.unpack_from("<Q", self.elf, 0x28)
        each, count, names = struct.unpack_from("<HHH", self.elf, 0x3A)
        rows = [struct.unpack_from("<IIQQQQII", self.elf, table + i * each) for i in range(count)]
        text = rows[names][4]

        def name(at):
            return self.elf[text + at : self.elf.index(b"\0", text + at)].decode()

        return [(name(r[0]), r[1], r[4], r[5], r[2]) for r in rows]

    def _functions(self):
        found = []
        table = next(s for s in self.sections if s[1] == 2)
        text = next(s for s in self.sections if s[0] == ".strtab")
        for at in range(table[2], table[2] + table[3], 24):
            name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.elf, at)
            if info & 15 == 2:
                start = text[2] + name
                found.append((self.sections[section][0], self.elf[start : self.elf.index(b"\0", start)].decode(),
                              value, size))
        return found

    def _relocations(self, ext):
        found = {}
        header = struct.unpack_from("<I", ext, 4)[0] if ext else 0
        if header < 32:
            return found
        offset, length = struct.unpack_from("<II", ext, 24)
        at, end = header + offset + 4, header + offset + length
        while at < end:
            section, count = struct.unpack_from("<II", ext, at)
            at += 8
            rows = found.setdefault(self.btf.string(section), {})
            for _ in range(count):
                insn, t, access, kind = struct.unpack_from("<IIII", ext, at)
                rows[insn] = (t, self.btf.string(access), kind)
                at += 16
        return found
