import ArgumentParser
import CSIMessages

extension CSICommand {
    struct NodeGetInfo: CSICall {
        typealias Reply = CSI.NodeGetInfoResponse
        static let method = CSI.Method.nodeGetInfo
        static let configuration = CommandConfiguration(abstract: "Print the node's name, place and limits.")
        @OptionGroup var connection: CSIConnectionOptions

        func request() -> CSI.NodeGetInfoRequest { .init() }
    }

    struct NodeGetCapabilities: CSICall {
        typealias Reply = CSI.NodeGetCapabilitiesResponse
        static let method = CSI.Method.nodeGetCapabilities
        static let configuration = CommandConfiguration(abstract: "List the node calls that are served.")
        @OptionGroup var connection: CSIConnectionOptions

        func request() -> CSI.NodeGetCapabilitiesRequest { .init() }
    }

    struct NodeStageVolume: CSICall {
        typealias Reply = CSI.NodeStageVolumeResponse
        static let method = CSI.Method.nodeStageVolume
        static let configuration = CommandConfiguration(abstract: "Attach a volume to this node, and mount it once.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @Option(help: "The directory to stage at.")
        var stagingTargetPath: String
        @OptionGroup var capability: CapabilityOptions
        @OptionGroup var contexts: ContextOptions
        @OptionGroup var secrets: SecretOptions

        func request() throws -> CSI.NodeStageVolumeRequest {
            .init(
                volumeID: volumeID, publishContext: try contexts.publish(), stagingTargetPath: stagingTargetPath,
                volumeCapability: capability.capability, secrets: try secrets.secrets(),
                volumeContext: try contexts.volume())
        }
    }

    struct NodeUnstageVolume: CSICall {
        typealias Reply = CSI.NodeUnstageVolumeResponse
        static let method = CSI.Method.nodeUnstageVolume
        static let configuration = CommandConfiguration(abstract: "Undo node-stage-volume.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @Option(help: "The directory it is staged at.")
        var stagingTargetPath: String

        func request() -> CSI.NodeUnstageVolumeRequest {
            .init(volumeID: volumeID, stagingTargetPath: stagingTargetPath)
        }
    }

    struct NodePublishVolume: CSICall {
        typealias Reply = CSI.NodePublishVolumeResponse
        static let method = CSI.Method.nodePublishVolume
        static let configuration = CommandConfiguration(abstract: "Make a staged volume appear at a path.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @Option(help: "The directory it is staged at.")
        var stagingTargetPath: String?
        @Option(help: "Where it is to appear.")
        var targetPath: String
        @Flag(help: "For reading only.")
        var readonly = false
        @OptionGroup var capability: CapabilityOptions
        @OptionGroup var contexts: ContextOptions
        @OptionGroup var secrets: SecretOptions

        func request() throws -> CSI.NodePublishVolumeRequest {
            .init(
                volumeID: volumeID, publishContext: try contexts.publish(),
                stagingTargetPath: stagingTargetPath ?? "", targetPath: targetPath,
                volumeCapability: capability.capability, readonly: readonly, secrets: try secrets.secrets(),
                volumeContext: try contexts.volume())
        }
    }

    struct NodeUnpublishVolume: CSICall {
        typealias Reply = CSI.NodeUnpublishVolumeResponse
        static let method = CSI.Method.nodeUnpublishVolume
        static let configuration = CommandConfiguration(abstract: "Undo node-publish-volume.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @Option(help: "Where it appears.")
        var targetPath: String

        func request() -> CSI.NodeUnpublishVolumeRequest { .init(volumeID: volumeID, targetPath: targetPath) }
    }

    struct NodeGetVolumeStats: CSICall {
        typealias Reply = CSI.NodeGetVolumeStatsResponse
        static let method = CSI.Method.nodeGetVolumeStats
        static let configuration = CommandConfiguration(abstract: "Print how full a volume is.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @Option(help: "A path where it is staged or published.")
        var volumePath: String
        @Option(help: "The directory it is staged at.")
        var stagingTargetPath: String?

        func request() -> CSI.NodeGetVolumeStatsRequest {
            .init(volumeID: volumeID, volumePath: volumePath, stagingTargetPath: stagingTargetPath ?? "")
        }
    }

    struct NodeExpandVolume: CSICall {
        typealias Reply = CSI.NodeExpandVolumeResponse
        static let method = CSI.Method.nodeExpandVolume
        static let configuration = CommandConfiguration(
            abstract: "Grow the filesystem of a volume that controller-expand-volume made larger.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @Option(help: "A path where it is staged or published.")
        var volumePath: String
        @Option(help: "The directory it is staged at.")
        var stagingTargetPath: String?
        @OptionGroup var capacity: CapacityOptions
        @OptionGroup var capability: CapabilityOptions
        @OptionGroup var secrets: SecretOptions

        func request() throws -> CSI.NodeExpandVolumeRequest {
            .init(
                volumeID: volumeID, volumePath: volumePath, capacityRange: capacity.range,
                stagingTargetPath: stagingTargetPath ?? "", volumeCapability: capability.capability,
                secrets: try secrets.secrets())
        }
    }

    /// What earlier calls answered for the node.
    struct ContextOptions: ParsableArguments {
        @Option(
            help: ArgumentHelp("From controller-publish-volume's reply. May be repeated.", valueName: "key=value"))
        var publishContext: [PairArgument] = []
        @Option(help: ArgumentHelp("From create-volume's reply. May be repeated.", valueName: "key=value"))
        var volumeContext: [PairArgument] = []

        func publish() throws -> [String: String] { try publishContext.dictionary("--publish-context") }
        func volume() throws -> [String: String] { try volumeContext.dictionary("--volume-context") }
    }
}
