import Base
import CCSI

/// A message that has a struct `C` of protobuf-c's. Conformances are generated.
package protocol WireMessage: Message {
    associatedtype C
    /// Fills `c` with the defaults and its descriptor.
    static func initialize(_ c: UnsafeMutablePointer<C>?)
    /// `c` is borrowed.
    init(copying c: UnsafeMutablePointer<C>) throws(Failure)
    /// What `c` then points to lives as long as `arena`.
    func fill(_ c: UnsafeMutablePointer<C>, _ arena: Arena)
}

/// How much larger than its bytes a message may become when it is unpacked: 64 times (an empty submessage of 2 bytes
/// becomes 56), and never more than 256 MiB.
private func unpackedBytesMax(_ bytes: Int) -> Int { min(65_536 + 64 * bytes, 268_435_456) }

package func decode<M: WireMessage>(_ bytes: [UInt8]) throws(Failure) -> M {
    let arena = Arena(bytesMax: unpackedBytesMax(bytes.count))
    guard
        let descriptor = baseDescriptor(M.self, arena),
        let base = arena.unpack(descriptor, bytes)
    else {
        throw Failure(.invalid, "the \(bytes.count) bytes received are not a \(M.messageName)")
    }
    // The message that protobuf-c made for M's descriptor is an M.C, whose first field is `base`.
    let c = UnsafeMutableRawPointer(base).assumingMemoryBound(to: M.C.self)
    do throws(Failure) {
        return try M(copying: c)
    } catch {
        throw Failure(.invalid, "cannot read a \(M.messageName)", cause: error)
    }
}

package func encode<M: WireMessage>(_ message: M) -> [UInt8] {
    let arena = Arena(bytesMax: .max)
    let c = arena.new(M.initialize)
    message.fill(c, arena)
    let base = UnsafeRawPointer(c).assumingMemoryBound(to: ProtobufCMessage.self)
    let size = protobuf_c_message_get_packed_size(base)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = size == 0 ? 0 : protobuf_c_message_pack(base, buffer.baseAddress)
    }
}

/// Every generated struct begins with a `ProtobufCMessage`, and a fresh one names its descriptor.
private func baseDescriptor<M: WireMessage>(_: M.Type, _ arena: Arena) -> UnsafePointer<ProtobufCMessageDescriptor>? {
    UnsafeRawPointer(arena.new(M.initialize)).assumingMemoryBound(to: ProtobufCMessage.self).pointee.descriptor
}

// What generated initializers copy with. Every pointer is borrowed.

package func copyString(_ c: UnsafeMutablePointer<CChar>?) throws(Failure) -> String {
    let bytes = ashlar_arena_string_bytes(c)
    guard let c, bytes > 0 else { return "" }
    let raw = UnsafeRawBufferPointer(start: c, count: bytes)
    guard !raw.contains(0) else { throw Failure(.invalid, "a string contains a NUL") }
    guard let text = String(validating: raw, as: UTF8.self) else { throw Failure(.invalid, "a string is not UTF-8") }
    return text
}

package func copyBytes(_ c: ProtobufCBinaryData) -> [UInt8] {
    Array(UnsafeBufferPointer(start: c.data, count: c.len))
}

package func copyStrings(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int
) throws(Failure) -> [String] {
    guard let list else { return [] }
    var found: [String] = []
    found.reserveCapacity(count)
    for index in 0..<count { found.append(try copyString(list[index])) }
    return found
}

package func copyMessage<M: WireMessage>(_ c: UnsafeMutablePointer<M.C>?) throws(Failure) -> M? {
    guard let c else { return nil }
    return try M(copying: c)
}

package func copyMessages<M: WireMessage>(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<M.C>?>?, _ count: Int
) throws(Failure) -> [M] {
    guard let list else { return [] }
    var found: [M] = []
    found.reserveCapacity(count)
    for index in 0..<count {
        guard let c = list[index] else { continue }
        found.append(try M(copying: c))
    }
    return found
}

/// The last entry of a key wins, as proto3 says.
package func copyMap<Entry>(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>?, _ count: Int
) throws(Failure) -> [String: String] {
    guard let list else { return [:] }
    var found: [String: String] = [:]
    for index in 0..<count {
        guard let raw = list[index] else { continue }
        let entry = UnsafeRawPointer(raw).assumingMemoryBound(to: ashlar_map_entry.self).pointee
        found[try copyString(entry.key)] = try copyString(entry.value)
    }
    return found
}
