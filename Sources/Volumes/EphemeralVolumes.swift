import Base

/// Volumes that live as long as a pod (CSI ephemeral inline volumes): the orchestrator calls only the node for them, and gives an id of its own.
/// A port, since the node may run without the catalogue.
public protocol EphemeralVolumes: Sendable {
    /// Makes the volume of that id, or answers the one that was made, and grants it to the node. `attributes`: as the pod has them.
    func make(
        _ handle: String, _ attributes: [String: String], on node: String
    ) async throws(Failure) -> EphemeralVolume

    /// Nil where there is none of that id.
    func volume(_ handle: String) async throws(Failure) -> VolumeID?

    /// Takes it from its node and deletes it. None of that id is fine.
    func remove(_ handle: String) async throws(Failure)
}

/// What the node needs to stage an ephemeral volume.
public struct EphemeralVolume: Sendable, Equatable {
    /// In the catalogue they have names that no orchestrator's volume may have.
    public static let namePrefix = "ephemeral:"

    public var id: VolumeID
    public var volumeContext: [String: String]
    public var publishContext: [String: String]

    public init(id: VolumeID, volumeContext: [String: String], publishContext: [String: String]) {
        self.id = id
        self.volumeContext = volumeContext
        self.publishContext = publishContext
    }
}
