import Base

/// CSI's access modes that this driver offers: a volume is written from one node at a time, and read from many while nobody writes.
public enum AccessMode: String, Sendable, Codable, CaseIterable {
    case singleNodeWriter = "SINGLE_NODE_WRITER"
    case singleNodeReaderOnly = "SINGLE_NODE_READER_ONLY"
    case singleNodeSingleWriter = "SINGLE_NODE_SINGLE_WRITER"
    case singleNodeMultiWriter = "SINGLE_NODE_MULTI_WRITER"
    case multiNodeReaderOnly = "MULTI_NODE_READER_ONLY"

    public var isReadOnly: Bool { self == .singleNodeReaderOnly || self == .multiNodeReaderOnly }

    /// Whether several nodes may have the volume at a time, all of them in this mode.
    public var allowsSeveralNodes: Bool { self == .multiNodeReaderOnly }

    /// Whether one node may publish the volume at several targets. `SINGLE_NODE_WRITER` may, because the driver
    /// advertises SINGLE_NODE_MULTI_WRITER (CSI 1.13, NodePublishVolume).
    public var allowsSeveralTargets: Bool { self != .singleNodeSingleWriter }
}

/// How a volume is to be used: as a device or as a mounted filesystem, and by whom.
public struct AccessCapability: Sendable, Hashable, Codable, CustomStringConvertible {
    public enum Access: Sendable, Hashable, Codable {
        case block
        /// `filesystem` as requested; nil leaves it to the class.
        case mount(filesystem: FilesystemKind?, flags: [String])
    }

    public var access: Access
    public var mode: AccessMode

    public init(access: Access, mode: AccessMode) {
        self.access = access
        self.mode = mode
    }

    public var isBlock: Bool { access == .block }

    public var description: String {
        switch access {
        case .block: "block \(mode.rawValue)"
        case .mount(let filesystem, let flags):
            "mount \(filesystem?.rawValue ?? "") \(flags.joined(separator: ",")) \(mode.rawValue)"
        }
    }
}
