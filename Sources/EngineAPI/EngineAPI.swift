import Base
import ProtobufRuntime

/// The messages of protos/ashlar_engine.proto.
package enum EngineMessages {}

/// Volumes or snapshots in one message of a list: about 200 KiB.
let listedVolumeCountMax = 1_000

func volumeID(_ text: String) throws(Failure) -> VolumeID {
    guard let id = VolumeID(text) else { throw Failure(.invalid, "'\(text)' is not a volume id") }
    return id
}

func snapshotID(_ text: String) throws(Failure) -> SnapshotID {
    guard let id = SnapshotID(text) else { throw Failure(.invalid, "'\(text)' is not a snapshot id") }
    return id
}

/// A part of a message that its sender always sets.
func required<T>(_ part: T?, _ what: String) throws(Failure) -> T {
    guard let part else { throw Failure(.invalid, "the message has no \(what)") }
    return part
}
