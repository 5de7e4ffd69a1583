import SystemIO

/// Descriptors by device: what outlives a worker. A device counts once all its parts are here.
struct HeldDevices {
    private struct Device {
        var facts: String
        var parts: [FileDescriptor?]
        var isWhole: Bool { !parts.contains { $0 == nil } }
    }

    /// Of one device.
    private static let partCountMax = 8
    private var devices: [String: Device] = [:]

    /// Of whole devices.
    var count: Int { devices.values.count { $0.isWhole } }

    mutating func put(_ part: DevicePart, _ descriptor: FileDescriptor) {
        guard (1...Self.partCountMax).contains(part.count), (0..<part.count).contains(part.index) else { return }
        // A device that was attached anew has new descriptors: the old ones must not stay beside them.
        if devices[part.device].map({ $0.facts != part.facts || $0.parts.count != part.count }) ?? true {
            devices[part.device] = Device(facts: part.facts, parts: Array(repeating: nil, count: part.count))
        }
        devices[part.device]?.parts[part.index] = descriptor
    }

    mutating func remove(_ device: String) { devices[device] = nil }

    /// Their worker died before it had told everything, and so before anybody was told that they were attached.
    mutating func removeIncomplete() { devices = devices.filter { $0.value.isWhole } }

    /// As messages, in order.
    func parts() -> [(part: DevicePart, descriptor: FileDescriptor)] {
        devices.filter { $0.value.isWhole }.sorted { $0.key < $1.key }.flatMap { name, device in
            device.parts.enumerated().compactMap { index, descriptor in
                descriptor.map {
                    (DevicePart(device: name, index: index, count: device.parts.count, facts: device.facts), $0)
                }
            }
        }
    }

    /// By device: what is known of it, and its descriptors.
    func whole() -> [(name: String, facts: String, descriptors: [FileDescriptor])] {
        devices.filter { $0.value.isWhole }.sorted { $0.key < $1.key }.map {
            ($0.key, $0.value.facts, $0.value.parts.compactMap { $0 })
        }
    }
}
