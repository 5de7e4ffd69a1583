import Base
import SegmentStore
import SystemIO

/// The copies of one volume's map files on the mountpaths. Blocking; one call at a time.
final class MapStore: @unchecked Sendable {
    // Guarded by its users: recovery, then one checkpoint after the other.
    private let pool: Pool
    private let group: String
    private let volume: VolumeID
    /// How many mountpaths may be lost: copies are on one more.
    private let parityColumns: Int
    private var homes: [(mountpath: Mountpath, file: any DiskFile)] = []
    private var fileBytes: UInt64 = 0

    init(pool: Pool, group: String, volume: VolumeID, parityColumns: Int) {
        self.pool = pool
        self.group = group
        self.volume = volume
        self.parityColumns = parityColumns
    }

    private var directory: String { SlicePath.mapDirectory(group: group, volume: volume) }

    /// Bytes of the present generation's file.
    var bytes: UInt64 { fileBytes }

    /// True while each home is a member: the map has its p+1 copies.
    var isFullyReplicated: Bool { !homes.isEmpty && homes.allSatisfy(\.mountpath.isActive) }

    /// The newest map there is, nil where there is none at all.
    func load() throws(Failure) -> (root: MapRoot, map: ExtentMap)? {
        var best: (root: MapRoot, map: ExtentMap)?
        for mountpath in pool.active {
            // A copy that cannot be read is as good as one that is not there; there are p more.
            for name in (try? mountpath.listIfPresent(directory)) ?? [] {
                guard let generation = MapFile.generation(ofName: name), generation >= best?.root.generation ?? 0 else {
                    continue
                }
                let map = ExtentMap()
                var found: MapRoot?
                do throws(Failure) {
                    let file = try mountpath.disk.openLog("\(directory)/\(name)")
                    found = try MapFile.load(
                        file, pool: pool.id, volume: volume, generation: generation, into: map,
                        test: pool.test)
                } catch  where error.kind != .unsupported {}
                guard let root = found else {
                    pool.test.took(.mapCopyUseless)
                    continue
                }
                if let current = best?.root, (current.generation, current.frame) >= (root.generation, root.frame) {
                    continue
                }
                best = (root, map)
            }
        }
        return best
    }

    /// Writes `frame` (`root`, frame 0, with every leaf) as a new generation on p+1 mountpaths, then removes the older ones.
    func writeGeneration(_ root: MapRoot, frame: AlignedBuffer) throws(Failure) {
        precondition(root.frame == 0)
        let name = MapFile.name(root.generation)
        var written: [(Mountpath, any DiskFile)] = []
        var lastProblem: Failure?
        let wanted = parityColumns + 1
        let candidates = Placement.order(
            pool.active.map { ($0.id, Double((try? $0.disk.space().totalBytes) ?? 1)) }, volume: volume, segment: 0)
        for id in candidates where written.count < wanted {
            guard let mountpath = pool.mountpath(id), mountpath.isActive else { continue }
            do throws(Failure) {
                written.append((mountpath, try write(frame, as: name, on: mountpath)))
            } catch  where error.kind == .exhausted {
                lastProblem = error
                try? mountpath.disk.remove("\(directory)/\(name).tmp")
            } catch {
                lastProblem = error
                try pool.takeOut(mountpath, reason: "cannot write a map: \(error)")
            }
        }
        // Fewer members than copies: as many as there are, which is what is left of the protection.
        guard written.count >= min(wanted, pool.active.count), !written.isEmpty else {
            throw Failure(
                .exhausted, "no room for the map of volume \(volume): free space on the mountpaths",
                cause: lastProblem ?? Failure(.exhausted, "no mountpath"))
        }
        homes = written
        fileBytes = UInt64(frame.bytes)
        for mountpath in pool.active {
            do throws(Failure) {
                for old in try mountpath.listIfPresent(directory) {
                    let isOlder = MapFile.generation(ofName: old).map { $0 < root.generation } ?? old.hasSuffix(".tmp")
                    if isOlder { try mountpath.disk.remove("\(directory)/\(old)") }
                }
            } catch {
                try pool.takeOut(mountpath, reason: "cannot remove an old map: \(error)")
            }
        }
    }

    private func write(_ frame: AlignedBuffer, as name: String, on mountpath: Mountpath) throws(Failure) -> any DiskFile
    {
        let disk = mountpath.disk
        try disk.createDirectories(directory)
        let temporary = "\(directory)/\(name).tmp"
        let file = try disk.openLog(temporary)
        try file.truncate(to: 0)
        try file.write(UnsafeRawBufferPointer(frame.span), at: 0)
        try file.synchronize()
        try disk.rename(temporary, to: "\(directory)/\(name)")
        try disk.synchronizeDirectory(directory)
        return file
    }

    /// Appends a frame to every home. A home that fails is taken out; the frame then counts on the others, and
    /// `isFullyReplicated` asks for a new generation. Throws where none took it.
    func append(_ frame: AlignedBuffer) throws(Failure) {
        var count = 0
        var lastProblem = Failure(.unavailable, "no mountpath holds the map of volume \(volume)")
        for home in homes where home.mountpath.isActive {
            do throws(Failure) {
                try home.file.write(UnsafeRawBufferPointer(frame.span), at: fileBytes)
                try home.file.synchronize()
                count += 1
            } catch  where error.kind == .exhausted {
                throw error  // the frame does not count anywhere: the next one is written over it
            } catch {
                lastProblem = error
                try pool.takeOut(home.mountpath, reason: "cannot write a map: \(error)")
            }
        }
        guard count > 0 else { throw lastProblem }
        fileBytes += UInt64(frame.bytes)
    }
}

extension Mountpath {
    /// Empty where the directory does not exist.
    func listIfPresent(_ path: String) throws(Failure) -> [String] {
        do throws(Failure) { return try disk.list(path) } catch  where error.kind == .notFound { return [] }
    }
}
