import Base
import ErasureCoding
import SegmentStore
import SystemIO

/// One copy of a volume's nodes: `%mt/nodes` on a mountpath.
final class NodeHome: Sendable {
    let mountpath: Mountpath
    let file: any DiskFile

    init(mountpath: Mountpath, file: any DiskFile) {
        self.mountpath = mountpath
        self.file = file
    }
}

/// Where the nodes of one volume are read. `@unchecked Sendable`: touched where its volume is, on the loop or at recovery.
final class NodeSource: @unchecked Sendable {
    /// In the keys of the cache.
    let number: UInt32
    var homes: [NodeHome]
    /// Bad copies are not written over.
    var isReadOnly = false

    init(number: UInt32, homes: [NodeHome]) {
        self.number = number
        self.homes = homes
    }

    var readable: [NodeHome] { homes.filter(\.mountpath.isUsable) }
}

/// A node that must be in the cache before something can go on.
struct NodeLoad {
    let source: NodeSource
    let pointer: NodePointer
    let level: Int

    var key: UInt64 { NodeCache.key(source.number, pointer.slot) }
    var offset: UInt64 { UInt64(pointer.slot) * UInt64(blockBytes) }

    /// Blocking: the first copy that is what its parent says, written over those that are not. `corrupt` where none is.
    func read(into page: UnsafeMutableRawPointer) throws(Failure) {
        let span = UnsafeMutableRawBufferPointer(start: page, count: blockBytes)
        var bad: [NodeHome] = []
        for home in source.readable {
            if let count = try? home.file.read(into: span, at: offset), isWhole(page, count: count) {
                for other in bad where !source.isReadOnly {
                    try? other.file.write(UnsafeRawBufferPointer(span), at: offset)
                }
                return
            }
            bad.append(home)
        }
        throw Failure(.corrupt, "map node \(pointer.slot) (level \(level)) cannot be read from any of its copies")
    }

    func isWhole(_ page: UnsafeRawPointer, count: Int) -> Bool {
        count == blockBytes && crc32c(page, bytes: blockBytes) == pointer.checksum
    }
}
