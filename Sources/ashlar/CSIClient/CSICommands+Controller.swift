import ArgumentParser
import CSIMessages

extension CSICommand {
    struct CreateVolume: CSICall {
        typealias Reply = CSI.CreateVolumeResponse
        static let method = CSI.Method.createVolume
        static let configuration = CommandConfiguration(
            abstract: "Create a volume, or find the one of this name.",
            discussion: "Example: ashlar csi create-volume pvc-1 --required-bytes 2Gi --parameter group=fast")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's name. The same name again answers the same volume.")
        var name: String
        @OptionGroup var capacity: CapacityOptions
        @OptionGroup var capability: CapabilityOptions
        @Option(help: ArgumentHelp("A parameter of the class. May be repeated.", valueName: "key=value"))
        var parameter: [PairArgument] = []
        @Option(help: ArgumentHelp("A parameter that may change later. May be repeated.", valueName: "key=value"))
        var mutableParameter: [PairArgument] = []
        @Option(help: ArgumentHelp("Begin as this snapshot.", valueName: "id"))
        var fromSnapshot: String?
        @Option(help: ArgumentHelp("Begin as this volume.", valueName: "id"))
        var fromVolume: String?
        @Option(help: ArgumentHelp("Where the volume must be reachable. May be repeated.", valueName: "key=value"))
        var topology: [PairArgument] = []
        @OptionGroup var secrets: SecretOptions

        func validate() throws {
            guard fromSnapshot == nil || fromVolume == nil else {
                throw ValidationError("Only one of --from-snapshot and --from-volume.")
            }
        }

        func request() throws -> CSI.CreateVolumeRequest {
            let source =
                fromSnapshot.map { CSI.VolumeContentSource(type: .snapshot(.init(snapshotID: $0))) }
                ?? fromVolume.map { CSI.VolumeContentSource(type: .volume(.init(volumeID: $0))) }
            return CSI.CreateVolumeRequest(
                name: name, capacityRange: capacity.range, volumeCapabilities: [capability.capability],
                parameters: try parameter.dictionary("--parameter"), secrets: try secrets.secrets(),
                volumeContentSource: source,
                accessibilityRequirements: try topology.topology().map { .init(requisite: [$0], preferred: [$0]) },
                mutableParameters: try mutableParameter.dictionary("--mutable-parameter"))
        }
    }

    struct DeleteVolume: CSICall {
        typealias Reply = CSI.DeleteVolumeResponse
        static let method = CSI.Method.deleteVolume
        static let configuration = CommandConfiguration(abstract: "Delete a volume and its data.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @OptionGroup var secrets: SecretOptions

        func request() throws -> CSI.DeleteVolumeRequest { .init(volumeID: volumeID, secrets: try secrets.secrets()) }
    }

    struct ControllerPublishVolume: CSICall {
        typealias Reply = CSI.ControllerPublishVolumeResponse
        static let method = CSI.Method.controllerPublishVolume
        static let configuration = CommandConfiguration(
            abstract: "Let a node use a volume; prints the context that the node calls need.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @Option(help: "The node, as node-get-info names it.")
        var nodeID: String
        @OptionGroup var capability: CapabilityOptions
        @Flag(help: "For reading only.")
        var readonly = false
        @Option(help: ArgumentHelp("From create-volume's reply. May be repeated.", valueName: "key=value"))
        var volumeContext: [PairArgument] = []
        @OptionGroup var secrets: SecretOptions

        func request() throws -> CSI.ControllerPublishVolumeRequest {
            .init(
                volumeID: volumeID, nodeID: nodeID, volumeCapability: capability.capability, readonly: readonly,
                secrets: try secrets.secrets(), volumeContext: try volumeContext.dictionary("--volume-context"))
        }
    }

    struct ControllerUnpublishVolume: CSICall {
        typealias Reply = CSI.ControllerUnpublishVolumeResponse
        static let method = CSI.Method.controllerUnpublishVolume
        static let configuration = CommandConfiguration(abstract: "Take a volume from a node, or from all.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @Option(help: "The node; without it, every node.")
        var nodeID: String?
        @OptionGroup var secrets: SecretOptions

        func request() throws -> CSI.ControllerUnpublishVolumeRequest {
            .init(volumeID: volumeID, nodeID: nodeID ?? "", secrets: try secrets.secrets())
        }
    }

    struct ValidateVolumeCapabilities: CSICall {
        typealias Reply = CSI.ValidateVolumeCapabilitiesResponse
        static let method = CSI.Method.validateVolumeCapabilities
        static let configuration = CommandConfiguration(abstract: "Ask whether a volume can be used in this way.")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @OptionGroup var capability: CapabilityOptions
        @Option(help: ArgumentHelp("From create-volume's reply. May be repeated.", valueName: "key=value"))
        var volumeContext: [PairArgument] = []
        @Option(help: ArgumentHelp("A parameter of the class. May be repeated.", valueName: "key=value"))
        var parameter: [PairArgument] = []
        @Option(help: ArgumentHelp("A parameter that may change later. May be repeated.", valueName: "key=value"))
        var mutableParameter: [PairArgument] = []
        @OptionGroup var secrets: SecretOptions

        func request() throws -> CSI.ValidateVolumeCapabilitiesRequest {
            .init(
                volumeID: volumeID, volumeContext: try volumeContext.dictionary("--volume-context"),
                volumeCapabilities: [capability.capability], parameters: try parameter.dictionary("--parameter"),
                secrets: try secrets.secrets(),
                mutableParameters: try mutableParameter.dictionary("--mutable-parameter"))
        }
    }

    struct GetCapacity: CSICall {
        typealias Reply = CSI.GetCapacityResponse
        static let method = CSI.Method.getCapacity
        static let configuration = CommandConfiguration(
            abstract: "Print how much room there is.",
            discussion: "Example: ashlar csi get-capacity --parameter group=fast")
        @OptionGroup var connection: CSIConnectionOptions
        @Option(help: ArgumentHelp("A parameter of the class. May be repeated.", valueName: "key=value"))
        var parameter: [PairArgument] = []
        @Option(help: ArgumentHelp("Where it must be reachable. May be repeated.", valueName: "key=value"))
        var topology: [PairArgument] = []

        func request() throws -> CSI.GetCapacityRequest {
            .init(
                parameters: try parameter.dictionary("--parameter"), accessibleTopology: try topology.topology())
        }
    }

    struct ControllerGetCapabilities: CSICall {
        typealias Reply = CSI.ControllerGetCapabilitiesResponse
        static let method = CSI.Method.controllerGetCapabilities
        static let configuration = CommandConfiguration(abstract: "List the controller calls that are served.")
        @OptionGroup var connection: CSIConnectionOptions

        func request() -> CSI.ControllerGetCapabilitiesRequest { .init() }
    }

    struct ControllerExpandVolume: CSICall {
        typealias Reply = CSI.ControllerExpandVolumeResponse
        static let method = CSI.Method.controllerExpandVolume
        static let configuration = CommandConfiguration(
            abstract: "Make a volume larger.",
            discussion: "Example: ashlar csi controller-expand-volume ID --required-bytes 4Gi")
        @OptionGroup var connection: CSIConnectionOptions
        @Argument(help: "The volume's id.")
        var volumeID: String
        @OptionGroup var capacity: CapacityOptions
        @OptionGroup var capability: CapabilityOptions
        @OptionGroup var secrets: SecretOptions

        func request() throws -> CSI.ControllerExpandVolumeRequest {
            .init(
                volumeID: volumeID, capacityRange: capacity.range, secrets: try secrets.secrets(),
                volumeCapability: capability.capability)
        }
    }
}
