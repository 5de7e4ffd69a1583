/// What depends on what: edges → control → ports ← engines (design, section 7; additions in docs/decisions/modules.md).
enum Layer: String, CaseIterable {
    /// C: system modules, small shims, generated messages.
    case c
    /// Values, the machine, pure functions.
    case base
    /// What engines and front ends implement and the control plane uses.
    case ports
    case engines
    case frontEnds
    case control
    case edges
    /// Composition: the only layer that knows everybody.
    case program
    case testSupport

    var mayImport: Set<Layer> {
        switch self {
        case .c: []
        case .base: [.c, .base]
        case .ports: [.base, .ports]
        case .engines: [.c, .base, .ports, .engines]
        case .frontEnds: [.c, .base, .ports, .frontEnds]
        case .control: [.base, .ports, .control]
        case .edges: [.c, .base, .ports, .frontEnds, .control, .edges]
        case .program: Set(Layer.allCases).subtracting([.testSupport])
        case .testSupport: [.base, .ports]
        }
    }
}

/// A module's place and everything that its files may import, apart from `toolchainModules`.
struct ModuleRule {
    let layer: Layer
    let imports: Set<String>

    init(_ layer: Layer, _ imports: Set<String> = []) {
        self.layer = layer
        self.imports = imports
    }
}

/// May be imported everywhere. Foundation may not: what needs it says so in its row.
let toolchainModules: Set<String> = ["Dispatch", "Glibc", "Synchronization"]

/// Modules of other packages and of the toolchain that a row may name.
let externalModules: Set<String> = ["ArgumentParser", "Foundation", "GRDB", "Logging", "Yams"]

let moduleRules: [String: ModuleRule] = [
    "CCSI": ModuleRule(.c),
    "CGRPC": ModuleRule(.c),
    "CISAL": ModuleRule(.c),
    "CLinux": ModuleRule(.c),

    "Base": ModuleRule(.base),
    "SystemIO": ModuleRule(.base, ["Base", "CLinux"]),
    "ErasureCoding": ModuleRule(.base, ["Base", "CISAL"]),

    "BlockDevice": ModuleRule(.ports, ["Base", "SystemIO"]),
    "VolumeEngine": ModuleRule(.ports, ["Base", "BlockDevice"]),
    "Attach": ModuleRule(.ports, ["Base", "SystemIO", "BlockDevice", "Logging"]),

    "SegmentStore": ModuleRule(.engines, ["Base", "SystemIO", "ErasureCoding"]),
    "EmbeddedEngine": ModuleRule(
        .engines,
        ["Base", "SystemIO", "BlockDevice", "VolumeEngine", "ErasureCoding", "SegmentStore", "Foundation", "Logging"]),

    "AttachFUSE": ModuleRule(.frontEnds, ["Base", "SystemIO", "BlockDevice", "Attach", "CLinux", "Logging"]),
    "Filesystems": ModuleRule(.frontEnds, ["Base", "SystemIO", "CLinux"]),
    "Holder": ModuleRule(.frontEnds, ["Base", "SystemIO", "CLinux", "Foundation"]),

    "Domain": ModuleRule(.control, ["Base"]),
    "Configuration": ModuleRule(.control, ["Base", "Domain", "Yams"]),
    "Catalogue": ModuleRule(.control, ["Base", "Domain", "Foundation", "GRDB"]),
    "Volumes": ModuleRule(.control, ["Base", "Domain", "Catalogue", "VolumeEngine", "Logging"]),

    "GRPCServer": ModuleRule(.edges, ["Base", "CGRPC", "Logging"]),
    "ProtobufRuntime": ModuleRule(.edges, ["Base", "CCSI"]),
    "CSIMessages": ModuleRule(.edges, ["Base", "ProtobufRuntime", "CCSI"]),
    "EngineAPI": ModuleRule(.edges, ["Base", "VolumeEngine", "Attach", "GRPCServer", "ProtobufRuntime", "CCSI"]),
    "ControlAPI": ModuleRule(.edges, ["Base", "Domain", "Volumes", "GRPCServer", "ProtobufRuntime", "CCSI"]),
    "CSIServices": ModuleRule(
        .edges,
        [
            "Base", "SystemIO", "Domain", "Volumes", "VolumeEngine", "ProtobufRuntime", "CSIMessages", "GRPCServer",
            "Attach", "Filesystems", "Logging",
        ]),

    "ashlar": ModuleRule(
        .program,
        [
            "Base", "SystemIO", "BlockDevice", "VolumeEngine", "ErasureCoding", "SegmentStore", "EmbeddedEngine",
            "Attach",
            "AttachFUSE", "Holder", "CLinux", "Filesystems", "Domain", "Configuration", "Catalogue", "Volumes",
            "GRPCServer", "CSIMessages",
            "EngineAPI", "ControlAPI", "CSIServices", "ArgumentParser", "Foundation", "Logging",
        ]),

    "BlockDeviceTestSupport": ModuleRule(.testSupport, ["Base", "SystemIO", "BlockDevice"]),
]
