import CCSI

/// Where protobuf-c's structs live while a message is converted: freed, and overwritten, all at once.
///
/// Used by one task within one synchronous call, never stored.
package final class Arena {
    // owned
    private let arena: OpaquePointer

    package init(bytesMax: Int) {
        guard let arena = ashlar_arena_create(bytesMax) else { fatalError("out of memory") }
        self.arena = arena
    }

    deinit { ashlar_arena_destroy(arena) }

    /// Borrowed from the arena.
    func unpack(_ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, _ bytes: [UInt8])
        -> UnsafeMutablePointer<ProtobufCMessage>?
    {
        bytes.withUnsafeBufferPointer { ashlar_arena_unpack(arena, descriptor, $0.baseAddress, $0.count) }
    }

    /// Room for `count` values, not initialized, borrowed from the arena.
    private func room<T>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
        guard let room = ashlar_arena_allocate(arena, count * MemoryLayout<T>.stride) else {
            fatalError("out of memory")
        }
        return room.bindMemory(to: T.self, capacity: count)
    }

    /// A message with its defaults, borrowed from the arena.
    package func new<C>(_ initialize: (UnsafeMutablePointer<C>?) -> Void) -> UnsafeMutablePointer<C> {
        let c = room(C.self, 1)
        initialize(c)
        return c
    }

    package func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        var text = text
        return text.withUTF8 { utf8 in
            let copy = room(CChar.self, utf8.count + 1)
            for (index, byte) in utf8.enumerated() { copy[index] = CChar(bitPattern: byte) }
            copy[utf8.count] = 0
            return copy
        }
    }

    package func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        let copy = room(UInt8.self, max(1, bytes.count))
        bytes.withUnsafeBufferPointer { if let base = $0.baseAddress { copy.update(from: base, count: $0.count) } }
        return ProtobufCBinaryData(len: bytes.count, data: copy)
    }

    package func message<M: WireMessage>(_ message: M?) -> UnsafeMutablePointer<M.C>? {
        message.map { message in
            let c = new(M.initialize)
            message.fill(c, self)
            return c
        }
    }

    package func messages<M: WireMessage>(
        _ messages: [M]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<M.C>?>? {
        guard !messages.isEmpty else { return nil }
        let list = room(UnsafeMutablePointer<M.C>?.self, messages.count)
        for (index, one) in messages.enumerated() { list[index] = message(one) }
        return list
    }

    package func strings(_ strings: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        guard !strings.isEmpty else { return nil }
        let list = room(UnsafeMutablePointer<CChar>?.self, strings.count)
        for (index, one) in strings.enumerated() { list[index] = string(one) }
        return list
    }

    /// The entries in the order of their keys. `Entry` is protoc-c's struct for this map, all of which are
    /// laid out as `ashlar_map_entry`.
    package func map<Entry>(
        _ map: [String: String], _ initialize: (UnsafeMutablePointer<Entry>?) -> Void
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>? {
        guard !map.isEmpty else { return nil }
        let list = room(UnsafeMutablePointer<Entry>?.self, map.count)
        for (index, one) in map.sorted(by: { $0.key < $1.key }).enumerated() {
            let entry = new(initialize)
            entry.withMemoryRebound(to: ashlar_map_entry.self, capacity: 1) {
                $0.pointee.key = string(one.key)
                $0.pointee.value = string(one.value)
            }
            list[index] = entry
        }
        return list
    }
}
