import SegmentStore

extension EmbeddedEngine {
    /// Versions of everything that an engine of this version leaves to the next one, by the names in docs/format.md.
    public static let formatVersions = [
        "ring": Int(RingLayout.version), "record": Int(RecordHeader.version), "slice": Int(SliceHeader.version),
        "map": Int(CheckpointFrame.version), "headers": Int(HeaderLog.version), "pool": PoolFile.formatVersion,
    ]
}
