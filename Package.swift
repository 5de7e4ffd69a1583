// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors in every Swift target.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// `files`: what lies in the folder and is read by the tests as it is.
func tests(of name: String, _ dependencies: [Target.Dependency] = [], files: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: files,
        swiftSettings: strict)
}

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

// The allowed imports of every module are listed in Tests/LayeringTests; design section 7 gives the reason.
let package = Package(
    name: "ashlar",
    products: [.executable(name: "ashlar", targets: ["ashlar"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C: system modules, small shims, generated messages.
        .target(name: "CLinux", linkerSettings: [.linkedLibrary("uring")]),
        .target(name: "CISAL", linkerSettings: [.linkedLibrary("isal")]),
        .target(name: "CGRPC", linkerSettings: [.linkedLibrary("grpc"), .linkedLibrary("gpr")]),
        .target(
            name: "CCSI", cSettings: [.headerSearchPath("generated")], linkerSettings: [.linkedLibrary("protobuf-c")]),

        // Data plane.
        module("Base"),
        module("SystemIO", ["Base", "CLinux"]),
        module("BlockDevice", ["Base", "SystemIO"]),
        module("VolumeEngine", ["Base", "BlockDevice"]),
        module("ErasureCoding", ["Base", "CISAL"]),
        module("SegmentStore", ["Base", "SystemIO", "ErasureCoding"]),
        module(
            "EmbeddedEngine",
            ["Base", "SystemIO", "BlockDevice", "VolumeEngine", "ErasureCoding", "SegmentStore", logging]),

        // Front ends.
        module("Attach", ["Base", "SystemIO", "BlockDevice", logging]),
        module("AttachFUSE", ["Base", "SystemIO", "BlockDevice", "Attach", "CLinux", logging]),
        module("Filesystems", ["Base", "SystemIO", "CLinux"]),
        module("Holder", ["Base", "SystemIO", "CLinux"]),

        // Control plane.
        module("Domain", ["Base"]),
        module("Configuration", ["Base", "Domain", yams]),
        module("Catalogue", ["Base", "Domain", grdb]),
        module("Volumes", ["Base", "Domain", "Catalogue", "VolumeEngine", logging]),

        // Edges.
        module("GRPCServer", ["Base", "CGRPC", logging]),
        module("ProtobufRuntime", ["Base", "CCSI"]),
        module("CSIMessages", ["Base", "ProtobufRuntime", "CCSI"]),
        module("EngineAPI", ["Base", "VolumeEngine", "Attach", "GRPCServer", "ProtobufRuntime", "CCSI"]),
        module("ControlAPI", ["Base", "Domain", "Volumes", "GRPCServer", "ProtobufRuntime", "CCSI"]),
        module(
            "CSIServices",
            [
                "Base", "SystemIO", "Domain", "Volumes", "VolumeEngine", "ProtobufRuntime", "CSIMessages", "GRPCServer",
                "Attach", "Filesystems", logging,
            ]),
        .executableTarget(
            name: "ashlar",
            dependencies: [
                "Base", "SystemIO", "BlockDevice", "VolumeEngine", "ErasureCoding", "SegmentStore", "EmbeddedEngine",
                "Attach", "AttachFUSE", "Holder", "Filesystems", "CLinux", "Domain", "Configuration", "Catalogue",
                "Volumes",
                "GRPCServer", "CSIMessages", "EngineAPI", "ControlAPI", "CSIServices", argumentParser, logging,
            ],
            swiftSettings: strict),

        // Of the tree itself: who imports whom.
        .testTarget(name: "LayeringTests", swiftSettings: strict),

        // Control plane: tests, and the engine in memory that they share.
        .target(
            name: "EngineFakes", dependencies: ["Base", "SystemIO", "CLinux", "VolumeEngine", "Attach"],
            path: "Tests/EngineFakes", swiftSettings: strict),
        tests(of: "Domain", ["Base"]),
        tests(of: "Configuration", ["Base", "Domain"]),
        tests(of: "Catalogue", ["Base", "Domain"]),
        tests(of: "Volumes", ["Base", "Domain", "Catalogue", "VolumeEngine", "EngineFakes", logging]),
        tests(
            of: "CSIServices",
            [
                "Base", "SystemIO", "Domain", "Catalogue", "Volumes", "VolumeEngine", "Attach", "Filesystems",
                "GRPCServer",
                "ProtobufRuntime", "CSIMessages", "EngineFakes", logging,
            ]),
        // Tests of the engine.
        tests(of: "ErasureCoding", ["Base"]),
        tests(of: "SegmentStore", ["Base", "SystemIO", "ErasureCoding"]),
        tests(
            of: "EmbeddedEngine",
            [
                "Base", "SystemIO", "BlockDevice", "BlockDeviceTestSupport", "VolumeEngine", "SegmentStore",
                "ErasureCoding", logging, "count-allocations",
            ], files: ["Golden"]),
        // What a volume's loop takes from the heap, counted in a process of its own.
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .executableTarget(
            name: "count-allocations",
            dependencies: [
                "Base", "SystemIO", "BlockDevice", "VolumeEngine", "EmbeddedEngine", "CAllocations", logging,
            ],
            path: "Tests/AllocationCount", swiftSettings: strict),

        .target(
            name: "Simulator",
            dependencies: [
                "Base", "SystemIO", "BlockDevice", "VolumeEngine", "SegmentStore", "EmbeddedEngine", logging,
            ],
            path: "Tests/Simulator", swiftSettings: strict),
        .executableTarget(
            name: "simulate", dependencies: ["Simulator", "Base", "EmbeddedEngine", argumentParser],
            path: "Tests/Simulate", swiftSettings: strict),
        .testTarget(
            name: "SimulationTests", dependencies: ["simulate", "Simulator", "Base", "SystemIO", "EmbeddedEngine"],
            swiftSettings: strict),

        // Tests of the front ends.
        module("BlockDeviceTestSupport", ["Base", "SystemIO", "BlockDevice"]),
        tests(of: "BlockDevice", ["Base", "SystemIO", "BlockDeviceTestSupport"]),
        tests(of: "Filesystems", ["Base", "SystemIO"]),
        tests(
            of: "AttachFUSE",
            [
                "Base", "SystemIO", "CLinux", "BlockDevice", "BlockDeviceTestSupport", "Attach", "Filesystems",
                logging,
            ]),
        .testTarget(
            name: "CSICommandTests",
            dependencies: [
                "ashlar", "Base", "SystemIO", "VolumeEngine", "Domain", "Catalogue", "CSIMessages", "GRPCServer",
                argumentParser, logging,
            ],
            swiftSettings: strict),
        tests(of: "GRPCServer", ["Base", logging]),
        tests(of: "CSIMessages", ["Base", "ProtobufRuntime"]),
        // Drives that lose power on command: a process that only tests start.
        .target(name: "CFuseProtocol", path: "Tests/CFuseProtocol"),
        .executableTarget(
            name: "volatile-drive", dependencies: ["Base", "SystemIO", "CLinux", "CFuseProtocol"],
            path: "Tests/VolatileDrive", swiftSettings: strict),
        // The real binary, through its sockets, on real mounts.
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "Base", "SystemIO", "CLinux", "Filesystems", "VolumeEngine", "GRPCServer", "ProtobufRuntime",
                "CSIMessages", "EngineAPI", "ashlar", "volatile-drive",
            ],
            swiftSettings: strict),
        tests(of: "EngineAPI", ["Base", "VolumeEngine", "Attach", "GRPCServer", "ProtobufRuntime", logging]),
    ]
)
