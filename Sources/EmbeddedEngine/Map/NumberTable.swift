/// Numbers found by numbers (ring positions by block, frames by node): a hash table of fixed size, open addressing, linear probing.
final class NumberTable {
    private let mask: Int
    /// Key + 1; 0 is free.
    private let keys: UnsafeMutablePointer<UInt64>
    private let values: UnsafeMutablePointer<UInt64>
    private(set) var count = 0

    /// For up to `capacity` keys.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        mask = size - 1
        keys = .allocate(capacity: size)
        keys.initialize(repeating: 0, count: size)
        values = .allocate(capacity: size)
        values.initialize(repeating: 0, count: size)
    }

    deinit {
        keys.deallocate()
        values.deallocate()
    }

    private func home(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
    }

    private func slot(_ key: UInt64) -> Int {
        var slot = home(key)
        while keys[slot] != 0, keys[slot] != key + 1 { slot = (slot + 1) & mask }
        return slot
    }

    func value(_ key: UInt64) -> UInt64? {
        guard count > 0 else { return nil }
        let slot = slot(key)
        return keys[slot] == 0 ? nil : values[slot]
    }

    func set(_ key: UInt64, _ value: UInt64) {
        let slot = slot(key)
        if keys[slot] == 0 {
            keys[slot] = key + 1
            count += 1
        }
        values[slot] = value
    }

    /// Forgets the key if `value` is still its value.
    func remove(_ key: UInt64, at value: UInt64) {
        guard count > 0 else { return }
        var hole = slot(key)
        guard keys[hole] != 0, values[hole] == value else { return }
        count -= 1
        // Close the gap, so that probes never stop short.
        var next = (hole + 1) & mask
        while keys[next] != 0 {
            let distance = (next &- home(keys[next] - 1)) & mask
            if distance >= (next &- hole) & mask {
                keys[hole] = keys[next]
                values[hole] = values[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        keys[hole] = 0
    }
}
