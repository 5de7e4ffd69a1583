import Base
import SegmentStore
import SystemIO

/// A volume's metadata on the mountpaths: `%mt/nodes` and `%mt/checkpoint.<generation>`, each on p+1 of them. Blocking; one call at a time.
final class MapStore: @unchecked Sendable {
    private static let nodesName = "nodes"
    private static let nodesBytesFirst: UInt64 = 64 << 10
    private static let copyBytes = 1 << 20
    private static let lanesMax = 6
    /// Fewer writes are not worth more threads.
    private static let runsForLanes = 16

    /// A mountpath that has all of it.
    private struct Home: Sendable {
        var nodes: NodeHome
        /// Frames are appended here; nil before the first generation that has this home.
        var checkpoints: (any DiskFile)?
    }

    // Guarded by its users: recovery, then one checkpoint after the other.
    private let pool: Pool
    private let group: String
    private let volume: VolumeID
    /// How many mountpaths may be lost: copies are on one more.
    private let parityColumns: Int
    private var homes: [Home] = []
    /// Where nodes can be read, though it is no home: of the generation before.
    private var readable: [NodeHome] = []
    /// Those that have every node, as the newest frame says.
    private var complete: [NodeHome] = []
    /// False for frames of before they said so.
    private var areHomesNamed = false
    /// How far each copy goes that was found.
    private var found: [(path: String, generation: UInt64, frame: UInt64)] = []
    private var frameBytes: UInt64 = 0
    private(set) var generation: UInt64 = 0
    /// The highest that any file is named by, or that was begun: a number never stands for two contents.
    private var generationTried: UInt64 = 0
    private var frame: UInt64 = 0

    init(pool: Pool, group: String, volume: VolumeID, parityColumns: Int) {
        self.pool = pool
        self.group = group
        self.volume = volume
        self.parityColumns = parityColumns
    }

    private var directory: String { SlicePath.mapDirectory(group: group, volume: volume) }

    /// Bytes of the present generation's frames.
    var bytes: UInt64 { frameBytes }

    /// True while each home is a member: the metadata has its p+1 copies.
    var isFullyReplicated: Bool { !homes.isEmpty && homes.allSatisfy(\.nodes.mountpath.isActive) }

    /// Where nodes are to be read now.
    var nodeHomes: [NodeHome] {
        let members = homes.map(\.nodes)
        return members.isEmpty ? readable : members
    }

    // MARK: Reading

    /// Where the nodes of a volume are that is not opened by this: an origin's.
    static func findNodes(of volume: VolumeID, group: String, in pool: Pool) throws(Failure) -> [NodeHome] {
        let path = "\(SlicePath.mapDirectory(group: group, volume: volume))/\(nodesName)"
        var found: [NodeHome] = []
        for mountpath in pool.active {
            if let file = try orNil({ () throws(Failure) in try mountpath.disk.openSlice(path) }) {
                found.append(NodeHome(mountpath: mountpath, file: file))
            }
        }
        return found
    }

    /// A copy that cannot be read is as good as one that is not there; there are p more. But not one that is only not to be had just now,
    /// which would be so of all of them.
    private static func orNil<T>(_ body: () throws(Failure) -> T) throws(Failure) -> T? {
        do throws(Failure) { return try body() } catch {
            if error.isShortage || error.kind == .unsupported { throw error }
            return nil
        }
    }

    /// The frames of the newest checkpoint there is, from its generation's first; empty where there is none at all. What an engine that
    /// was killed left in the machine's memory only is synced, unless `isReadOnly`: what is built upon it must not outlive it.
    func load(isReadOnly: Bool = false) throws(Failure) -> [CheckpointFrame] {
        let mountpaths = pool.active
        let copies = inParallel(mountpaths.count, isSequential: pool.test.isSequential) {
            [self] (index) throws(Failure) in
            Handover(try copy(on: mountpaths[index], isReadOnly: isReadOnly))
        }
        var best: [CheckpointFrame] = []
        for (mountpath, result) in zip(mountpaths, copies) {
            let copy = try result.get().value
            generationTried = max(generationTried, copy.generationTried)
            if let nodes = copy.nodes { readable.append(nodes) }
            guard let last = copy.frames.last else { continue }
            if copy.isDurable { found.append((mountpath.path, last.generation, last.frame)) }
            if let current = best.last, (current.generation, current.frame) >= (last.generation, last.frame) {
                continue
            }
            best = copy.frames
        }
        generation = best.last?.generation ?? 0
        let homes = Set(best.last?.homes ?? [])
        areHomesNamed = !homes.isEmpty
        complete = readable.filter { homes.contains($0.mountpath.id) }
        return best
    }

    /// What one mountpath has.
    private struct Copy {
        /// The highest of its files' names.
        var generationTried: UInt64 = 0
        /// Of its newest checkpoint that can be read.
        var frames: [CheckpointFrame] = []
        var isDurable = false
        /// Every node is proved by its parent's checksum, so that any copy may be tried.
        var nodes: NodeHome?
    }

    private func copy(on mountpath: Mountpath, isReadOnly: Bool) throws(Failure) -> Copy {
        var copy = Copy()
        let names = try Self.orNil { () throws(Failure) in try mountpath.listIfPresent(directory) } ?? []
        let generations = names.compactMap { name in CheckpointFrame.generation(ofName: name).map { ($0, name) } }
        for (generation, name) in generations.sorted(by: >) {
            copy.generationTried = max(copy.generationTried, generation)
            let path = "\(directory)/\(name)"
            let read = try Self.orNil { () throws(Failure) in
                let file = try mountpath.disk.openLog(path)
                return (file, try self.read(file, generation: generation))
            }
            guard let (file, frames) = read, !frames.isEmpty else {
                pool.test.took(.mapCopyUseless)
                continue
            }
            copy.frames = frames
            copy.isDurable =
                try Self.orNil { () throws(Failure) in
                    if isReadOnly { return true }
                    try file.synchronize()
                    try mountpath.disk.synchronizeDirectory(directory)
                    return true
                } ?? false
            break
        }
        let path = "\(directory)/\(Self.nodesName)"
        if names.contains(Self.nodesName),
            let file = try Self.orNil({ () throws(Failure) in try mountpath.disk.openSlice(path) })
        {
            copy.nodes = NodeHome(mountpath: mountpath, file: file)
        }
        return copy
    }

    /// After `load`: no loss of `wanted` - 1 mountpaths brings an older checkpoint back.
    func isNewestEverywhere(wanted: Int) -> Bool {
        guard let newest = found.map({ ($0.generation, $0.frame) }).max(by: <) else { return false }
        return found.count { ($0.generation, $0.frame) == newest } >= wanted
    }

    /// After `load`: copies of the newest checkpoint or of the nodes that should be there and are not.
    func copyProblems(wanted: Int) -> [String] {
        guard let newest = found.map({ ($0.generation, $0.frame) }).max(by: <) else { return [] }
        let whole = found.count { ($0.generation, $0.frame) == newest }
        var problems: [String] = []
        if whole < wanted {
            problems.append(
                "the newest checkpoint (\(newest.0), frame \(newest.1)) is on \(whole) of \(wanted) mountpaths")
        }
        if readable.count < wanted { problems.append("map nodes are on \(readable.count) of \(wanted) mountpaths") }
        return problems
    }

    private func read(_ file: any DiskFile, generation: UInt64) throws(Failure) -> [CheckpointFrame] {
        var frames: [CheckpointFrame] = []
        var offset: UInt64 = 0
        while let (frame, bytes) = try CheckpointFrame.read(
            file, at: offset, pool: pool.id, volume: volume, generation: generation, frame: UInt64(frames.count))
        {
            frames.append(frame)
            offset += bytes
        }
        if try file.size() > offset { pool.test.took(.mapFrameTorn) }
        return frames
    }

    // MARK: Writing

    /// Makes a checkpoint durable: the nodes, then the frame. `isWhole`: as a new generation, on p+1 mountpaths, which are found anew where
    /// some were lost. A mountpath that fails is taken out; `isFullyReplicated` then asks for a new generation.
    func commit(_ frame: CheckpointFrame, _ nodes: NodeBatch, isWhole: Bool) throws(Failure) {
        var frame = frame
        if isWhole {
            try findHomes(endSlot: nodes.endSlot)
            generationTried = max(generationTried, generation) + 1
            frame.generation = generationTried
        } else {
            frame.generation = generation
            frame.frame = self.frame + 1
        }
        try write(nodes)
        frame.homes = homes.map(\.nodes.mountpath).filter(\.isActive).map(\.id)
        let bytes = frame.encode(pool: pool.id, volume: volume)
        if isWhole { try begin(frame.generation, bytes) } else { try append(bytes) }
        generation = frame.generation
        self.frame = frame.frame
        areHomesNamed = true
    }

    /// Writes nodes to slots that nothing durable refers to, so that a cache has room; not synced.
    func writeBack(_ nodes: NodeBatch) throws(Failure) {
        if homes.isEmpty { try findHomes(endSlot: nodes.endSlot) }
        try write(nodes)
    }

    /// Keeps the homes that are members and adds others until there are p+1, each with a copy of all nodes.
    private func findHomes(endSlot: UInt32) throws(Failure) {
        complete = homes.isEmpty ? complete : homes.map(\.nodes)
        // A new home that lacks nodes which the checkpoints name would be named a full copy all the same.
        let needsSource = generation > 0 && endSlot > 1 && areHomesNamed
        guard !needsSource || complete.contains(where: \.mountpath.isActive) else {
            throw Failure(
                .unavailable,
                "the map of volume \(volume) is on no mountpath that can be read now: see to the drives, then open it again"
            )
        }
        // Other copies may be old, whatever their blocks: only for what cannot be read of the full ones.
        let others = homes.isEmpty ? readable.filter { known in !complete.contains { $0 === known } } : []
        let sources = complete + others
        var kept = homes.filter(\.nodes.mountpath.isActive)
        var lastProblem: Failure?
        let wanted = parityColumns + 1
        // Those that have the nodes already come first.
        let order = Placement.order(
            pool.active.map { ($0.id, Double((try? $0.disk.space().totalBytes) ?? 1)) }, volume: volume, segment: 0)
        let known = complete.filter(\.mountpath.isActive).map(\.mountpath.id)
        for id in known + order.filter({ !known.contains($0) }) where kept.count < wanted {
            guard let mountpath = pool.mountpath(id), mountpath.isActive,
                !kept.contains(where: { $0.nodes.mountpath === mountpath })
            else { continue }
            do throws(Failure) {
                kept.append(try makeHome(on: mountpath, from: sources, endSlot: endSlot))
            } catch  where error.kind == .exhausted {
                lastProblem = error
            } catch {
                lastProblem = error
                try pool.takeOut(mountpath, reason: "cannot write a map: \(error)")
            }
        }
        kept.removeAll { !$0.nodes.mountpath.isActive }
        guard !kept.isEmpty, kept.count >= min(wanted, pool.active.count) else {
            throw Failure(
                .exhausted, "no room for the map of volume \(volume): free space on the mountpaths",
                cause: lastProblem ?? Failure(.exhausted, "no mountpath"))
        }
        homes = kept
    }

    private func makeHome(on mountpath: Mountpath, from sources: [NodeHome], endSlot: UInt32) throws(Failure) -> Home {
        let disk = mountpath.disk
        let path = "\(directory)/\(Self.nodesName)"
        try disk.createDirectories(directory)
        if let own = complete.first(where: { $0.mountpath === mountpath }) { return Home(nodes: own) }
        // Under its name only when it has everything: what is found under it is believed to be a full copy.
        let temporary = path + ".new"
        try disk.remove(temporary)
        let file = try disk.createSlice(temporary, bytes: Self.nodesBytesFirst)
        let usable = sources.filter { $0.mountpath.isActive && $0.mountpath !== mountpath }
        if !usable.isEmpty { try copy(from: usable, to: file, endSlot: endSlot) }
        try file.synchronize()
        try disk.rename(temporary, to: path)
        try disk.synchronizeDirectory(directory)
        return Home(nodes: NodeHome(mountpath: mountpath, file: file))
    }

    private func copy(from sources: [NodeHome], to target: any DiskFile, endSlot: UInt32) throws(Failure) {
        let buffer = AlignedBuffer(bytes: Self.copyBytes)
        let end = UInt64(endSlot) * UInt64(blockBytes)
        for offset in stride(from: 0, to: end, by: Self.copyBytes) {
            let wanted = UnsafeMutableRawBufferPointer(
                start: buffer.base, count: Int(min(UInt64(Self.copyBytes), end - offset)))
            var read: Int?
            for source in sources where read == nil { read = try? source.file.read(into: wanted, at: offset) }
            guard let count = read else {
                throw Failure(
                    .exhausted,
                    "the map of volume \(volume) cannot be copied: a part of it is unreadable on every mountpath")
            }
            let whole = count / blockBytes * blockBytes
            if whole > 0 {
                try target.write(UnsafeRawBufferPointer(start: buffer.base, count: whole), at: offset)
            }
        }
    }

    /// Neighbouring slots go out as one write; many of them by several threads a home, since each write waits for its drive.
    private func write(_ nodes: NodeBatch) throws(Failure) {
        let runs = nodes.runs(nodesMax: Self.copyBytes / blockBytes)
        if runs.isEmpty { return }
        let lanes = runs.count < Self.runsForLanes || pool.test.isSequential ? 1 : Self.lanesMax
        try onEveryHome(lanes: lanes) { (home, lane) throws(Failure) in
            let staging = AlignedBuffer(bytes: Self.copyBytes)
            for number in stride(from: lane, to: runs.count, by: lanes) {
                let run = runs[number]
                for (index, node) in nodes.nodes[run].enumerated() {
                    (staging.base + index * blockBytes).copyMemory(from: node.page, byteCount: blockBytes)
                }
                try home.nodes.file.write(
                    UnsafeRawBufferPointer(start: staging.base, count: run.count * blockBytes),
                    at: UInt64(nodes.nodes[run.lowerBound].slot) * UInt64(blockBytes))
            }
        }
    }

    @discardableResult
    private func onEveryHome<T: Sendable>(
        _ body: @escaping @Sendable (Home) throws(Failure) -> T
    ) throws(Failure) -> [(home: Home, value: T)] {
        try onEveryHome(lanes: 1) { (home, _) throws(Failure) in try body(home) }
    }

    /// Runs `body` for each home that is a member and in each for each lane, all at the same time: most of it is waiting for drives. A home that
    /// fails is taken out. Throws where none is left, or one is full. Returns what the first lanes answered.
    @discardableResult
    private func onEveryHome<T: Sendable>(
        lanes: Int, _ body: @escaping @Sendable (Home, _ lane: Int) throws(Failure) -> T
    ) throws(Failure) -> [(home: Home, value: T)] {
        let members = homes.filter(\.nodes.mountpath.isActive)
        let results = inParallel(members.count * lanes, isSequential: pool.test.isSequential) {
            (index) throws(Failure) in
            try body(members[index / lanes], index % lanes)
        }
        var done: [(home: Home, value: T)] = []
        var lastProblem = Failure(.unavailable, "no mountpath holds the map of volume \(volume)")
        var shortage: Failure?
        for (number, home) in members.enumerated() {
            let own = results[(number * lanes)..<((number + 1) * lanes)]
            var problems: [Failure] = []
            for result in own { if case .failure(let problem) = result { problems.append(problem) } }
            guard let problem = problems.first(where: { $0.kind != .exhausted }) else {
                shortage = shortage ?? problems.first
                if problems.isEmpty { done.append((home, try results[number * lanes].get())) }
                continue
            }
            // A directory that is gone is no broken drive, unless the drive is gone with it.
            if problem.kind == .notFound, (try? home.nodes.mountpath.disk.verifyPresence()) != nil { throw problem }
            lastProblem = problem
            try pool.takeOut(home.nodes.mountpath, reason: "cannot write a map: \(problem)")
        }
        // What was written elsewhere does not count: the next one is written over it.
        if let shortage { throw shortage }
        guard !done.isEmpty else { throw lastProblem }
        return done
    }

    private func append(_ bytes: AlignedBuffer) throws(Failure) {
        let offset = frameBytes
        try onEveryHome { (home) throws(Failure) in try home.nodes.file.synchronize() }
        try onEveryHome { (home) throws(Failure) in
            guard let file = home.checkpoints else { throw Failure(.internal, "a home without a generation") }
            try file.write(UnsafeRawBufferPointer(bytes.span), at: offset)
            try file.synchronize()
        }
        frameBytes += UInt64(bytes.bytes)
    }

    private func begin(_ generation: UInt64, _ bytes: AlignedBuffer) throws(Failure) {
        let (directory, name) = (directory, CheckpointFrame.name(generation))
        try onEveryHome { (home) throws(Failure) in try home.nodes.file.synchronize() }
        let made = try onEveryHome { (home) throws(Failure) -> any DiskFile in
            let disk = home.nodes.mountpath.disk
            let temporary = "\(directory)/checkpoint.new"
            let file = try disk.openLog(temporary)
            try file.truncate(to: 0)
            try file.write(UnsafeRawBufferPointer(bytes.span), at: 0)
            try file.synchronize()
            try disk.rename(temporary, to: "\(directory)/\(name)")
            try disk.synchronizeDirectory(directory)
            return file
        }
        homes = made.map { Home(nodes: $0.home.nodes, checkpoints: $0.value) }
        frameBytes = UInt64(bytes.bytes)
        try removeOld(below: generation)
    }

    /// What cannot be removed just now is removed with the next generation: nobody believes it.
    private func removeOld(below generation: UInt64) throws(Failure) {
        for mountpath in pool.active {
            let isHome = homes.contains { $0.nodes.mountpath === mountpath }
            do throws(Failure) {
                for name in try mountpath.listIfPresent(directory) {
                    let isOlder =
                        CheckpointFrame.generation(ofName: name).map { $0 < generation } ?? (name != Self.nodesName)
                    if isOlder || (!isHome && name == Self.nodesName) {
                        try mountpath.disk.remove("\(directory)/\(name)")
                    }
                }
            } catch {
                if error.isShortage { continue }
                try pool.takeOut(mountpath, reason: "cannot remove an old map: \(error)")
            }
        }
    }
}

extension Mountpath {
    /// Empty where the directory does not exist.
    func listIfPresent(_ path: String) throws(Failure) -> [String] {
        do throws(Failure) { return try disk.list(path) } catch  where error.kind == .notFound { return [] }
    }
}
