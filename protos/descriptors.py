"""Reads what `protoc --descriptor_set_out` writes, without a protobuf library.

Only what swift_messages.py needs. Field numbers are those of google/protobuf/descriptor.proto.
"""

from dataclasses import dataclass, field

SECRET_OPTION = 1059  # csi_secret, see csi.proto


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def parts(data):
    """The fields of one encoded message: number -> list of ints or bytes."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {tag & 7} in a descriptor")
        found.setdefault(tag >> 3, []).append(value)
    return found


def text(found, number):
    return found.get(number, [b""])[0].decode()


@dataclass
class Enum:
    name: str
    path: tuple
    values: list  # (name, number)


@dataclass
class Field:
    name: str
    json_name: str
    number: int
    kind: int  # FieldDescriptorProto.Type
    type_name: str  # ".csi.v1.Volume"
    repeated: bool
    secret: bool
    oneof: str  # "" where in none


@dataclass
class Message:
    name: str
    path: tuple  # ("VolumeCapability", "AccessMode")
    fields: list
    messages: list
    enums: list
    oneofs: list
    is_map_entry: bool


@dataclass
class Service:
    name: str
    methods: list = field(default_factory=list)


@dataclass
class File:
    package: str
    messages: list
    enums: list
    services: list


def read_enum(data, outer):
    found = parts(data)
    values = []
    for value in found.get(2, []):
        one = parts(value)
        values.append((text(one, 1), one.get(2, [0])[0]))
    name = text(found, 1)
    return Enum(name, outer + (name,), values)


def read_field(data, oneofs):
    found = parts(data)
    options = parts(found[8][0]) if 8 in found else {}
    return Field(
        name=text(found, 1), json_name=text(found, 10), number=found[3][0], kind=found[5][0],
        type_name=text(found, 6), repeated=found[4][0] == 3, secret=options.get(SECRET_OPTION, [0])[0] == 1,
        oneof=oneofs[found[9][0]] if 9 in found else "")


def read_message(data, outer):
    found = parts(data)
    name = text(found, 1)
    path = outer + (name,)
    oneofs = [text(parts(one), 1) for one in found.get(8, [])]
    options = parts(found[7][0]) if 7 in found else {}
    return Message(
        name, path, [read_field(one, oneofs) for one in found.get(2, [])],
        [read_message(one, path) for one in found.get(3, [])],
        [read_enum(one, path) for one in found.get(4, [])], oneofs, options.get(7, [0])[0] == 1)


def read_file(path):
    """The only file of the set at `path`."""
    with open(path, "rb") as file:
        found = parts(parts(file.read())[1][0])
    services = []
    for data in found.get(6, []):
        one = parts(data)
        services.append(Service(text(one, 1), [text(parts(method), 1) for method in one.get(2, [])]))
    return File(
        text(found, 2), [read_message(one, ()) for one in found.get(4, [])],
        [read_enum(one, ()) for one in found.get(5, [])], services)
