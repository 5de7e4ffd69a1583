import Base
import SegmentStore
import SystemIO
import VolumeEngine

/// The first checkpoint of a clone: its map is a pointer to the origin's. Blocking.
enum VolumeClone {
    /// Nobody has opened the clone yet: there is nothing of it but its header.
    static func isUnmade(_ header: VolumeHeader, in pool: Pool) throws(Failure) -> Bool {
        guard header.origin != nil, !header.hasMap else { return false }
        for mountpath in pool.active {
            let map = try mountpath.listIfPresent(SlicePath.mapDirectory(group: header.group, volume: header.id))
            let slices = try mountpath.listIfPresent(
                SlicePath.segmentDirectory(group: header.group, volume: header.id))
            if !slices.isEmpty || map.contains(where: { CheckpointFrame.generation(ofName: $0) != nil }) {
                return false
            }
        }
        return true
    }

    /// `element`: of the origin, durable in a checkpoint of its own. Again writes the same again.
    static func create(
        _ volume: VolumeID, group: GroupSpecification, from element: MapElement, in pool: Pool
    ) throws(Failure) {
        var head = MapElement.head
        head.from = element.epoch + 1
        head.line = element.epoch + 1
        head.epoch = element.epoch + 1
        head.tree = element.tree
        head.tree.root = element.tree.root.further(1)
        head.inheritedBlocks = element.ownedBlocks + element.inheritedBlocks
        head.lostBlocks = element.lostBlocks
        var frame = CheckpointFrame()
        frame.head = head
        frame.elements = []
        frame.slotPages = SlotTable().pages(all: true)
        let store = MapStore(pool: pool, group: group.label, volume: volume, parityColumns: group.parityColumns)
        try store.commit(frame, NodeBatch(), isWhole: true)
    }
}
