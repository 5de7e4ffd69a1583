"""Writes Swift values, and their conversion from and to protobuf-c's structs, for every message of one .proto file.

usage: swift_messages.py DESCRIPTOR_SET NAMESPACE ACCESS OUTPUT_DIRECTORY [TEST_DIRECTORY]

Each message becomes a struct in NAMESPACE with the same nesting; `Type` becomes `Kind` (Swift keeps `Type` for itself).
An enum keeps numbers it does not know in `.unrecognized`. A oneof `x` becomes an optional enum `XChoice`.
google.protobuf wrappers become optionals. Supported are the types that our files use; anything else stops the generator.
TEST_DIRECTORY gets arbitrary values of every message, for property tests.
"""

import os
import re
import sys

import descriptors

HEADER = "// Generated from protos/{source} by protos/generate. Do not edit.\n// swift-format-ignore-file\n"
INT64, INT32, BOOL, STRING, MESSAGE, BYTES, UINT32, ENUM, UINT64 = 3, 5, 8, 9, 11, 12, 13, 14, 4
SCALARS = {
    INT64: "Int64", INT32: "Int32", BOOL: "Bool", STRING: "String", BYTES: "[UInt8]", UINT32: "UInt32", UINT64: "UInt64"}
ZEROS = {INT64: "0", INT32: "0", BOOL: "false", STRING: '""', BYTES: "[]", UINT32: "0", UINT64: "0"}
WRAPPERS = {
    ".google.protobuf.BoolValue": ("Bool", "Google__Protobuf__BoolValue", "google__protobuf__bool_value__init"),
    ".google.protobuf.Int64Value": ("Int64", "Google__Protobuf__Int64Value", "google__protobuf__int64_value__init"),
    ".google.protobuf.UInt64Value": ("UInt64", "Google__Protobuf__UInt64Value", "google__protobuf__uint64_value__init"),
}
KEYWORDS = {"internal", "default", "in", "is", "as", "case", "protocol", "public", "self", "init", "repeat", "where"}


def camel(name):
    """volume_id -> volumeID, CREATE_DELETE -> createDelete."""
    words = [word for word in name.lower().split("_") if word]
    out = words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
    out = re.sub(r"(?<=[a-z0-9])Id(s?)(?=[A-Z]|$)", r"ID\1", out)
    return out


def quoted(name):
    return f"`{name}`" if name in KEYWORDS else name


def swift_name(name):
    return "Kind" if name == "Type" else name


def lower_c(name):
    """As protoc-c spells a type's name in function names."""
    out, upper = "", True
    for letter in name:
        if letter.isupper() and not upper:
            out += "_"
        upper = letter.isupper()
        out += letter.lower()
    return out


class Writer:
    def __init__(self, file, namespace, access):
        self.file, self.namespace, self.access = file, namespace, access
        self.maps, self.enum_zero = {}, {}
        self.collect(file.messages, file.enums)

    def collect(self, messages, enums):
        for one in enums:
            self.enum_zero[self.proto_name(one.path)] = camel(one.values[0][0])
        for one in messages:
            if one.is_map_entry:
                self.maps[self.proto_name(one.path)] = one
            self.collect(one.messages, one.enums)

    def proto_name(self, path):
        return "." + ".".join((self.file.package,) + path)

    def swift_path(self, type_name):
        path = type_name.removeprefix("." + self.file.package + ".").split(".")
        return ".".join([self.namespace] + [swift_name(one) for one in path])

    def c_type(self, path):
        words = self.file.package.split(".") + list(path)
        return "__".join(word[:1].upper() + re.sub(r"_(.)", lambda m: m[1].upper(), word[1:]) for word in words)

    def c_function(self, path, name):
        words = self.file.package.split(".") + list(path)
        return "__".join(lower_c(word) for word in words) + "__" + name

    # --- types -------------------------------------------------------------------------------------------------

    def is_map(self, one):
        return one.type_name in self.maps

    def base_type(self, one):
        if one.kind in SCALARS:
            return SCALARS[one.kind]
        if one.type_name in WRAPPERS:
            return WRAPPERS[one.type_name][0]
        if one.type_name == ".google.protobuf.Timestamp":
            return "Timestamp"
        if one.kind in (MESSAGE, ENUM) and one.type_name.startswith("." + self.file.package + "."):
            return self.swift_path(one.type_name)
        raise SystemExit(f"field {one.name}: type {one.kind} {one.type_name} is not supported")

    def property_type(self, one):
        """(type, default)"""
        if self.is_map(one):
            return "[String: String]", "[:]"
        base = self.base_type(one)
        if one.repeated:
            return f"[{base}]", "[]"
        if one.kind in SCALARS:
            return base, ZEROS[one.kind]
        if one.kind == ENUM:
            return base, "." + self.enum_zero[one.type_name]
        return base + "?", "nil"

    def properties(self, message):
        """(name, type, default) in order; a oneof stands where its first field does."""
        seen, found = set(), []
        for one in message.fields:
            if not one.oneof:
                found.append((camel(one.name),) + self.property_type(one))
            elif one.oneof not in seen:
                seen.add(one.oneof)
                found.append((camel(one.oneof), self.choice(one.oneof) + "?", "nil"))
        return found

    def choice(self, oneof):
        name = camel(oneof)
        return name[:1].upper() + name[1:] + "Choice"

    # --- values ------------------------------------------------------------------------------------------------

    def enum(self, enum, indent):
        pad, access = " " * indent, self.access
        cases = [(quoted(camel(name)), name, number) for name, number in enum.values]
        out = [f"{access} enum {swift_name(enum.name)}: MessageEnum {{"]
        out += [f"    case {case}" for case, _, _ in cases]
        out += ["    /// A number that this version of the contract does not name.", "    case unrecognized(Int32)", ""]
        out += [f"    {access} static var allCases: [Self] {{", "        ["]
        out += [f"            .{case}," for case, _, _ in cases] + ["        ]", "    }", ""]
        out += [f"    {access} init(rawValue: Int32) {{", "        switch rawValue {"]
        out += [f"        case {number}: self = .{case}" for case, _, number in cases]
        out += ["        default: self = .unrecognized(rawValue)", "        }", "    }", ""]
        out += [f"    {access} var rawValue: Int32 {{", "        switch self {"]
        out += [f"        case .{case}: {number}" for case, _, number in cases]
        out += ["        case .unrecognized(let number): number", "        }", "    }", ""]
        out += [f"    {access} var name: String {{", "        switch self {"]
        out += [f'        case .{case}: "{name}"' for case, name, _ in cases]
        out += ['        case .unrecognized(let number): "\\(number)"', "        }", "    }", "}"]
        return [pad + line if line else "" for line in out]

    def value_expression(self, one, expression):
        """A `MessageValue` of `expression`, which has the field's plain type."""
        if one.kind == STRING:
            return f".string({expression})"
        if one.kind == BYTES:
            return f".secret(count: {expression}.count)"
        if one.kind == BOOL or one.type_name == ".google.protobuf.BoolValue":
            return f".bool({expression})"
        if one.kind == ENUM:
            return f".name({expression}.name)"
        if one.kind in (INT64, INT32, UINT32):
            return f".integer(Int64({expression}))"
        if one.kind == UINT64 or one.type_name.endswith(".UInt64Value"):
            return f".unsigned({expression})"
        if one.type_name.endswith(".Int64Value"):
            return f".integer({expression})"
        if one.type_name.endswith(".Timestamp"):
            return f".string({expression}.description)"
        return f".message({expression}.fields)"

    def field_lines(self, message):
        out = []
        for one in message.fields:
            name = camel(one.name)
            if one.secret:
                value = f".secret(count: {quoted(name)}.count)"
            elif self.is_map(one):
                value = f".map({quoted(name)})"
            elif one.repeated:
                value = f".list({quoted(name)}.map {{ {self.value_expression(one, '$0')} }})"
            elif one.oneof:
                choice = quoted(camel(one.oneof))
                out += [
                    f"        if case .{quoted(name)}(let value) = {choice} {{",
                    f'            found.append(MessageField("{one.json_name}", '
                    f"{self.value_expression(one, 'value')}))",
                    "        }"]
                continue
            elif one.kind == MESSAGE:
                value = f"{quoted(name)}.map {{ {self.value_expression(one, '$0')} }} ?? .absent"
            else:
                value = self.value_expression(one, quoted(name))
            out.append(f'        found.append(MessageField("{one.json_name}", {value}))')
        return out

    def struct(self, message, indent):
        access = self.access
        out = [f"{access} struct {swift_name(message.name)}: Message {{"]
        properties = self.properties(message)
        out += [f"    {access} var {quoted(name)}: {kind}" for name, kind, _ in properties]
        if properties:
            out += ["", f"    {access} init("]
            out += [f"        {quoted(name)}: {kind} = {default}" + ("," if k + 1 < len(properties) else "")
                    for k, (name, kind, default) in enumerate(properties)]
            out += ["    ) {"]
            out += [f"        self.{name} = {quoted(name)}" for name, _, _ in properties] + ["    }"]
        else:
            out += [f"    {access} init() {{}}"]
        path = self.proto_name(message.path)[1:]
        out += ["", f'    {access} static var messageName: String {{ "{path}" }}', ""]
        out += [f"    {access} init(decoding bytes: [UInt8]) throws(Failure) {{ self = try decode(bytes) }}"]
        out += [f"    {access} func encoded() -> [UInt8] {{ encode(self) }}", ""]
        lines = self.field_lines(message)
        if lines:
            out += [f"    {access} var fields: [MessageField] {{", "        var found: [MessageField] = []"]
            out += lines + ["        return found", "    }"]
        else:
            out += [f"    {access} var fields: [MessageField] {{ [] }}"]
        for oneof in message.oneofs:
            out += ["", f"    {access} enum {self.choice(oneof)}: Sendable, Hashable {{"]
            out += [f"        case {quoted(camel(one.name))}({self.base_type(one)})"
                    for one in message.fields if one.oneof == oneof]
            out += ["    }"]
        pad = " " * indent
        out = [pad + line if line else "" for line in out]
        for one in message.enums:
            out += [""] + self.enum(one, indent + 4)
        for one in message.messages:
            if not one.is_map_entry:
                out += [""] + self.struct(one, indent + 4)
        return out + [pad + "}"]

    # --- conversions -------------------------------------------------------------------------------------------

    def copy_lines(self, one):
        c, name = f"c.pointee.{one.name}", camel(one.name)
        if self.is_map(one):
            return [f"{name} = try copyMap({c}, c.pointee.n_{one.name})"]
        if one.repeated:
            if one.kind == STRING:
                return [f"{name} = try copyStrings({c}, c.pointee.n_{one.name})"]
            if one.kind == MESSAGE:
                return [f"{name} = try copyMessages({c}, c.pointee.n_{one.name})"]
            raise SystemExit(f"field {one.name}: repeated of this type is not supported")
        return [f"{name} = {self.copy_expression(one, c)}"]

    def copy_expression(self, one, c):
        if one.kind == STRING:
            return f"try copyString({c})"
        if one.kind == BYTES:
            return f"copyBytes({c})"
        if one.kind == BOOL:
            return f"{c} != 0"
        if one.kind == ENUM:
            return f"{self.base_type(one)}(rawValue: Int32(truncatingIfNeeded: {c}.rawValue))"
        if one.kind in SCALARS:
            return c
        if one.type_name == ".google.protobuf.BoolValue":
            return f"{c}.map {{ $0.pointee.value != 0 }}"
        if one.type_name in WRAPPERS:
            return f"{c}.map {{ $0.pointee.value }}"
        return f"try copyMessage({c})"

    def fill_lines(self, one, message):
        c, name = f"c.pointee.{one.name}", f"self.{camel(one.name)}"
        if self.is_map(one):
            entry = self.c_function(self.maps[one.type_name].path, "init")
            return [f"{c} = arena.map({name}, {entry})", f"c.pointee.n_{one.name} = {name}.count"]
        if one.repeated:
            call = "strings" if one.kind == STRING else "messages"
            return [f"{c} = arena.{call}({name})", f"c.pointee.n_{one.name} = {name}.count"]
        if one.kind == MESSAGE and one.type_name in WRAPPERS:
            value = "$0 ? 1 : 0" if one.type_name.endswith("BoolValue") else "$0"
            return [
                f"{c} = {name}.map {{",
                f"    let wrapper = arena.new({WRAPPERS[one.type_name][2]})",
                f"    wrapper.pointee.value = {value}", "    return wrapper", "}"]
        return [f"{c} = {self.fill_expression(one, name, message)}"]

    def fill_expression(self, one, name, message):
        if one.kind == STRING:
            return f"arena.string({name})"
        if one.kind == BYTES:
            return f"arena.bytes({name})"
        if one.kind == BOOL:
            return f"{name} ? 1 : 0"
        if one.kind == ENUM:
            path = one.type_name.removeprefix("." + self.file.package + ".").split(".")
            return f"{self.c_type(path)}(rawValue: .init(truncatingIfNeeded: {name}.rawValue))"
        if one.kind in SCALARS:
            return name
        return f"arena.message({name})"

    def oneof_copy(self, message, oneof):
        out = [f"switch c.pointee.{oneof}_case.rawValue {{"]
        for one in (one for one in message.fields if one.oneof == oneof):
            case = f".{quoted(camel(one.name))}"
            c = f"c.pointee.{one.name}"
            if one.kind == MESSAGE:
                out += [f"case {one.number}: {camel(oneof)} = try copyMessage({c}).map({self.choice(oneof)}{case})"]
            else:
                out += [f"case {one.number}: {camel(oneof)} = {case}({self.copy_expression(one, c)})"]
        return out + [f"default: {camel(oneof)} = nil", "}"]

    def oneof_fill(self, message, oneof):
        out = [f"switch self.{camel(oneof)} {{", "case nil: break"]
        kind = self.c_type(message.path) + "__" + camel(oneof)[:1].upper() + camel(oneof)[1:] + "Case"
        for one in (one for one in message.fields if one.oneof == oneof):
            value = self.fill_expression(one, "value", message)
            out += [
                f"case .{quoted(camel(one.name))}(let value):", f"    c.pointee.{one.name} = {value}",
                f"    c.pointee.{oneof}_case = {kind}(rawValue: {one.number})"]
        return out + ["}"]

    def wire(self, message):
        c, copies, fills, seen = self.c_type(message.path), [], [], set()
        for one in message.fields:
            if not one.oneof:
                copies += self.copy_lines(one)
                fills += self.fill_lines(one, message)
            elif one.oneof not in seen:
                seen.add(one.oneof)
                copies += self.oneof_copy(message, one.oneof)
                fills += self.oneof_fill(message, one.oneof)
        swift = ".".join([self.namespace] + [swift_name(one) for one in message.path])
        out = [f"extension {swift}: WireMessage {{"]
        out += [f"    package static func initialize(_ c: UnsafeMutablePointer<{c}>?) {{",
                f"        {self.c_function(message.path, 'init')}(c)", "    }", ""]
        out += [f"    package init(copying c: UnsafeMutablePointer<{c}>) throws(Failure) {{"]
        out += ["        " + line for line in copies] + ["    }", ""]
        out += [f"    package func fill(_ c: UnsafeMutablePointer<{c}>, _ arena: Arena) {{"]
        out += ["        " + line for line in fills] + ["    }", "}", ""]
        for one in message.messages:
            if not one.is_map_entry:
                out += self.wire(one)
        return out

    # --- files -------------------------------------------------------------------------------------------------

    def methods(self):
        out = [f"    /// gRPC paths of every method.", f"    {self.access} enum Method {{"]
        for service in self.file.services:
            for method in service.methods:
                name = method[:1].lower() + method[1:]
                path = f"/{self.file.package}.{service.name}/{method}"
                out.append(f'        {self.access} static let {name} = "{path}"')
        return out + ["    }"]

    def values_file(self):
        out = ["import Base", "import ProtobufRuntime", "", f"extension {self.namespace} {{"] + self.methods()
        for one in self.file.enums:
            out += [""] + self.enum(one, 4)
        for one in self.file.messages:
            out += [""] + self.struct(one, 4)
        return out + ["}"]

    def wire_file(self):
        out = ["import Base", "import CCSI", "import ProtobufRuntime", ""]
        for one in self.file.messages:
            out += self.wire(one)
        return out[:-1]

    # --- for tests ---------------------------------------------------------------------------------------------

    def all_messages(self, messages=None):
        for one in self.file.messages if messages is None else messages:
            if not one.is_map_entry:
                yield one
                yield from self.all_messages(one.messages)

    def arbitrary_file(self):
        out = ["import Base", "import CSIMessages", "", "/// Every message of the contract.",
               "let everyMessage: [any (Message & Arbitrary).Type] = ["]
        names = [self.swift_path(self.proto_name(one.path)) for one in self.all_messages()]
        out += [f"    {name}.self," for name in names] + ["]"]
        enums = list(self.file.enums) + [enum for one in self.all_messages() for enum in one.enums]
        out += [""] + [f"extension {self.swift_path(self.proto_name(one.path))}: Arbitrary {{}}" for one in enums]
        for one, name in zip(self.all_messages(), names):
            values = ", ".join(f"{name}: .arbitrary(&random)" for name, _, _ in self.properties(one))
            out += ["", f"extension {name}: Arbitrary {{",
                    "    static func arbitrary(_ random: inout SeededRandom) -> Self {", f"        Self({values})",
                    "    }", "}"]
            for oneof in one.oneofs:
                cases = [camel(field.name) for field in one.fields if field.oneof == oneof]
                out += ["", f"extension {name}.{self.choice(oneof)}: Arbitrary {{",
                        "    static func arbitrary(_ random: inout SeededRandom) -> Self {",
                        f"        switch Int.random(in: 0..<{len(cases)}, using: &random) {{"]
                out += [f"        case {index}: .{quoted(case)}(.arbitrary(&random))"
                        for index, case in enumerate(cases[:-1])]
                out += [f"        default: .{quoted(cases[-1])}(.arbitrary(&random))", "        }", "    }", "}"]
        return out


def main():
    descriptor_set, namespace, access, directory = sys.argv[1:5]
    tests = sys.argv[5] if len(sys.argv) > 5 else None
    source = os.path.basename(descriptor_set).replace(".descriptors", ".proto")
    writer = Writer(descriptors.read_file(descriptor_set), namespace, access)
    for name, lines in (("Values", writer.values_file()), ("Wire", writer.wire_file())):
        with open(os.path.join(directory, f"{namespace}+{name}.swift"), "w") as file:
            file.write(HEADER.format(source=source) + "\n".join(lines) + "\n")
    if tests:
        with open(os.path.join(tests, f"{namespace}+Arbitrary.swift"), "w") as file:
            file.write(HEADER.format(source=source) + "\n".join(writer.arbitrary_file()) + "\n")


main()
