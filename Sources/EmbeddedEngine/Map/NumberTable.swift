/// Numbers found by numbers (ring positions by block, frames by node): a hash table of fixed size, open addressing, linear probing.
///
/// Keys that follow each other lie side by side, so that a run of blocks touches few cache lines.
final class NumberTable {
    private struct Entry {
        /// Key + 1; 0 is free.
        var key: UInt64
        var value: UInt64
    }
    private let mask: Int
    private let entries: UnsafeMutablePointer<Entry>
    private(set) var count = 0

    /// For up to `capacity` keys.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        mask = size - 1
        entries = .allocate(capacity: size)
        entries.initialize(repeating: Entry(key: 0, value: 0), count: size)
    }

    deinit { entries.deallocate() }

    private func home(_ key: UInt64) -> Int {
        let group = Int(truncatingIfNeeded: ((key >> 2) &* 0x9E37_79B9_7F4A_7C15) >> 20)
        return (group << 2 | Int(truncatingIfNeeded: key & 3)) & mask
    }

    private func slot(_ key: UInt64) -> Int {
        var slot = home(key)
        while entries[slot].key != 0, entries[slot].key != key + 1 { slot = (slot + 1) & mask }
        return slot
    }

    func value(_ key: UInt64) -> UInt64? {
        guard count > 0 else { return nil }
        let entry = entries[slot(key)]
        return entry.key == 0 ? nil : entry.value
    }

    func set(_ key: UInt64, _ value: UInt64) {
        let slot = slot(key)
        if entries[slot].key == 0 { count += 1 }
        entries[slot] = Entry(key: key + 1, value: value)
    }

    /// Forgets the key if `value` is still its value.
    func remove(_ key: UInt64, at value: UInt64) {
        guard count > 0 else { return }
        var hole = slot(key)
        guard entries[hole].key != 0, entries[hole].value == value else { return }
        count -= 1
        // Close the gap, so that probes never stop short.
        var next = (hole + 1) & mask
        while entries[next].key != 0 {
            let distance = (next &- home(entries[next].key - 1)) & mask
            if distance >= (next &- hole) & mask {
                entries[hole] = entries[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        entries[hole].key = 0
    }
}
