import Attach
import Base
import Domain
import Filesystems
import SystemIO
import VolumeEngine

/// When a filesystem may be made (field.md, row 1). The engine's durable word decides, never what the device looks like:
///
/// | the engine says | the device | then |
/// | --- | --- | --- |
/// | `never` | reads as zeros | `making` durable, mkfs, sync, `filesystem` durable, mount |
/// | `never` | anything else | refused |
/// | `making` | whatever | nobody ever mounted it: zeroed, verified, made anew |
/// | `filesystem(x)` | – | mounted as x; another is refused |
/// | `unknown` | carries the one asked for | mounted |
/// | `unknown` | anything else | refused |
/// | any | cannot be read | refused |
extension NodeService {
    private static let zeroSecondsMax = 600
    private static let zeroTool = ExternalTool(name: "blkdiscard", package: "util-linux")

    /// Whether a filesystem was made just now.
    func makeFilesystemIfNew(
        _ kind: FilesystemKind, _ volume: EngineVolume, _ device: AttachedDevice, mkfsOptions: [String]
    ) async throws(Failure) -> Bool {
        let path = device.path
        switch volume.formatted {
        case .filesystem(let name):
            guard name == kind.rawValue else {
                throw Failure(.failedPrecondition, "volume \(volume.id) carries \(name), not \(kind.rawValue)")
            }
            return false
        case .unknown:
            let content = try await content(of: path)
            guard content == .filesystem(kind.type) else {
                throw Failure(
                    .failedPrecondition,
                    "volume \(volume.id) was used as a raw device and carries no \(kind.rawValue); it is not formatted again"
                )
            }
            return false
        case .never:
            guard try await content(of: path) == .blank else {
                throw Failure(
                    .failedPrecondition,
                    "volume \(volume.id) was never formatted, but its device holds data; it is not touched. Look at \(path)"
                )
            }
        case .making:
            logger.notice("making the filesystem was cut off; made anew", metadata: ["volume": "\(volume.id)"])
            try await threads.run { () throws(Failure) in
                _ = try Self.zeroTool.run(["--zeroout", path], secondsMax: Self.zeroSecondsMax)
            }
            guard try await content(of: path) == .blank else {
                throw Failure(.internal, "\(path) does not read as zeros after it was zeroed")
            }
        }
        try await engine.markFormatted(volume.id, .making(kind.rawValue))
        try await make(kind, on: path, mkfsOptions)
        try await engine.markFormatted(volume.id, .filesystem(kind.rawValue))
        return true
    }

    private func content(of device: String) async throws(Failure) -> DeviceContent {
        try await threads.run { () throws(Failure) in try DeviceContent.read(device) }
    }

    private func make(_ kind: FilesystemKind, on device: String, _ options: [String]) async throws(Failure) {
        let words = options.flatMap { $0.split(separator: " ").map(String.init) }
        try await threads.run { () throws(Failure) in
            do throws(Failure) {
                try kind.type.make(on: device, options: words)
            } catch  where error.kind == .unsupported {
                // A tool that is missing on the node is not an RPC that is missing.
                throw Failure(.failedPrecondition, "cannot make \(kind.rawValue)", cause: error)
            }
            let file = try FileDescriptor(opening: device, flags: openReadWrite, "cannot open \(device)")
            try file.synchronize()
        }
    }
}

extension FilesystemKind {
    /// The same filesystem to the module that handles it.
    var type: FilesystemType {
        switch self {
        case .ext4: .ext4
        case .xfs: .xfs
        }
    }
}
