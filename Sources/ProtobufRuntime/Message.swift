import Base

/// A protobuf message as a Swift value. Its text never contains a secret.
///
/// The binary form is proto3's: unknown fields are ignored, absent ones have their defaults, the last of several wins.
/// One thing differs: protobuf-c 1.4 does not merge the numbers of a submessage that is sent in several parts, which no
/// encoder does.
public protocol Message: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// `invalid` where `bytes` are not this message, a string is not UTF-8 or contains a NUL, or the message is
    /// out of all proportion when unpacked.
    init(decoding bytes: [UInt8]) throws(Failure)

    /// The same value always gives the same bytes: maps are written in the order of their keys.
    /// A string ends at its first NUL.
    func encoded() -> [UInt8]

    /// `csi.v1.CreateVolumeRequest`
    static var messageName: String { get }

    /// Every field in the order of the contract, secrets as their count only.
    var fields: [MessageField] { get }
}

extension Message {
    /// `Volume(capacityBytes: 4096, volumeId: "a")`: fields at their default are left out.
    public var description: String { MessageValue.message(fields).text(named: Self.messageName) }

    /// So that `dump` shows no more than `description`.
    public var customMirror: Mirror { Mirror(self, children: ["message": description]) }
}

/// A protobuf enum that keeps numbers it does not know.
public protocol MessageEnum: RawRepresentable, CaseIterable, Sendable, Hashable, CustomStringConvertible
where RawValue == Int32 {
    init(rawValue: Int32)

    /// As the contract spells it, `SINGLE_NODE_WRITER`; the number where it is unknown.
    var name: String { get }
}

extension MessageEnum {
    public var description: String { name }
}

/// One field of a message, for printing.
public struct MessageField: Sendable, Hashable {
    /// lowerCamelCase, as in protobuf's JSON.
    public let name: String
    public let value: MessageValue

    public init(_ name: String, _ value: MessageValue) {
        self.name = name
        self.value = value
    }
}

/// What a field holds, for printing.
public indirect enum MessageValue: Sendable, Hashable {
    /// A message or wrapper that is not there.
    case absent
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case string(String)
    /// A value of an enum.
    case name(String)
    case map([String: String])
    case message([MessageField])
    case list([MessageValue])
    /// Entries of a secret map, or raw bytes, which are not told.
    case secret(count: Int)

    /// Whether the value is what an absent field has.
    public var isDefault: Bool {
        switch self {
        case .absent, .bool(false), .integer(0), .unsigned(0), .string(""), .secret(count: 0): true
        case .map(let entries): entries.isEmpty
        case .list(let values): values.isEmpty
        case .bool, .integer, .unsigned, .string, .name, .message, .secret: false
        }
    }

    fileprivate func text(named name: String = "") -> String {
        switch self {
        case .absent: "nil"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .string(let value): value.debugDescription
        case .name(let value): value
        case .map(let entries):
            "["
                + entries.sorted { $0.key < $1.key }
                .map { "\($0.key.debugDescription): \($0.value.debugDescription)" }.joined(separator: ", ") + "]"
        case .message(let fields):
            (name.split(separator: ".").last ?? "") + "("
                + fields.filter { !$0.value.isDefault }
                .map { "\($0.name): \($0.value.text())" }.joined(separator: ", ") + ")"
        case .list(let values): "[" + values.map { $0.text() }.joined(separator: ", ") + "]"
        case .secret(let count): "<\(count) redacted>"
        }
    }
}
