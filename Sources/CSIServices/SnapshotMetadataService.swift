import Base
import CSIMessages
import Domain
import GRPCServer
import ProtobufRuntime
import Synchronization
import VolumeEngine
import Volumes

/// CSI SnapshotMetadata: which parts of a snapshot are allocated, and which differ from an earlier snapshot of the volume.
public final class SnapshotMetadataService: Sendable {
    /// How parts are told: as long as they are, or in blocks of one size.
    public enum Style: String, Sendable, CaseIterable {
        case variable, fixed
    }

    private static let tuplesMax = 4_096

    private let volumes: Volumes
    private let style: Style

    public init(volumes: Volumes, style: Style) {
        self.volumes = volumes
        self.style = style
    }

    func getAllocated(_ request: CSI.GetMetadataAllocatedRequest, _ stream: ResponseStream) async throws(Failure) {
        let snapshot = try await snapshot(request.snapshotID, "snapshot_id")
        let (type, size) = (style.type, Int64(clamping: snapshot.sizeBytes))
        try await send(of: snapshot, since: nil, from: request.startingOffset, max: request.maxResults) {
            (tuples) throws(Failure) in
            try await stream.send(
                CSI.GetMetadataAllocatedResponse(
                    blockMetadataType: type, volumeCapacityBytes: size, blockMetadata: tuples
                ).encoded())
        }
    }

    func getDelta(_ request: CSI.GetMetadataDeltaRequest, _ stream: ResponseStream) async throws(Failure) {
        let base = try await snapshot(request.baseSnapshotID, "base_snapshot_id")
        let target = try await snapshot(request.targetSnapshotID, "target_snapshot_id")
        guard base.volume == target.volume else {
            throw Failure(.invalid, "base_snapshot_id and target_snapshot_id are of different volumes")
        }
        let (type, size) = (style.type, Int64(clamping: target.sizeBytes))
        try await send(of: target, since: base, from: request.startingOffset, max: request.maxResults) {
            (tuples) throws(Failure) in
            try await stream.send(
                CSI.GetMetadataDeltaResponse(
                    blockMetadataType: type, volumeCapacityBytes: size, blockMetadata: tuples
                ).encoded())
        }
    }

    private func snapshot(_ text: String, _ field: String) async throws(Failure) -> Snapshot {
        try await volumes.usableSnapshot(try Fields.snapshotID(text, field))
    }

    /// Messages of at most `max` tuples; one at least, so that the capacity is told where nothing is allocated.
    private func send(
        of snapshot: Snapshot, since base: Snapshot?, from offset: Int64, max: Int32,
        _ send: @escaping @Sendable ([CSI.BlockMetadata]) async throws(Failure) -> Void
    ) async throws(Failure) {
        guard max >= 0 else { throw Failure(.invalid, "max_results must not be negative") }
        guard offset >= 0, UInt64(offset) <= snapshot.sizeBytes else {
            throw Failure(
                .outOfRange, "starting_offset \(offset) is not within the volume's \(snapshot.sizeBytes) bytes")
        }
        let limit = max == 0 ? Self.tuplesMax : min(Int(max), Self.tuplesMax)
        let style = style
        let hasSent = Mutex(false)
        if UInt64(offset) < snapshot.sizeBytes {
            try await volumes.engine.changedRanges(of: snapshot.id, since: base?.id, from: UInt64(offset)) {
                (ranges) throws(Failure) in
                var batch: [CSI.BlockMetadata] = []
                for range in ranges {
                    var part = style.begin(range)
                    while let tuple = style.next(&part) {
                        batch.append(tuple)
                        guard batch.count == limit else { continue }
                        try await send(batch)
                        hasSent.withLock { $0 = true }
                        batch = []
                    }
                }
                if !batch.isEmpty {
                    try await send(batch)
                    hasSent.withLock { $0 = true }
                }
            }
        }
        if !hasSent.withLock({ $0 }) { try await send([]) }
    }
}

extension SnapshotMetadataService.Style {
    private static let blockBytes: UInt64 = 4 << 10

    var type: CSI.BlockMetadataType { self == .fixed ? .fixedLength : .variableLength }

    /// What is left of a range: whole blocks in the fixed style.
    func begin(_ range: ByteRange) -> ByteRange {
        guard self == .fixed else { return range }
        let first = range.offset / Self.blockBytes * Self.blockBytes
        let end = (range.offset + range.length).roundedUp(toMultipleOf: Self.blockBytes)
        return ByteRange(offset: first, length: end - first)
    }

    /// Cuts the next tuple off; nil at the end.
    func next(_ rest: inout ByteRange) -> CSI.BlockMetadata? {
        guard rest.length > 0 else { return nil }
        let length = self == .fixed ? Self.blockBytes : rest.length
        defer { rest = ByteRange(offset: rest.offset + length, length: rest.length - length) }
        return CSI.BlockMetadata(byteOffset: Int64(clamping: rest.offset), sizeBytes: Int64(clamping: length))
    }
}
