import Base
import Glibc

/// An errno as a thrown error: what the kernel is answered.
struct Refusal: Error {
    let number: Int32
    init(_ number: Int32) { self.number = number }
}

/// A file or directory. `id` is its inode number, never used again.
final class Node {
    let id: UInt64
    /// Nil for a directory.
    let content: FileContent?
    var mode: UInt32
    var entries: [String: Node] = [:]
    /// Of a directory: what power loss would leave.
    var durableEntries: [String: Node] = [:]
    /// References that the kernel holds.
    var lookupCount: UInt64 = 0

    var isDirectory: Bool { content == nil }

    init(id: UInt64, mode: UInt32, isDirectory: Bool) {
        self.id = id
        self.mode = mode
        content = isDirectory ? nil : FileContent()
    }
}

/// What makes things durable.
enum Sync: String {
    /// Writes that are synchronous themselves.
    case writes
    /// fsync of a file.
    case files
    /// fsync of a directory.
    case names
}

/// A little filesystem in memory, in two states: what is seen, and what is durable.
///
/// Rules, those of `Simulator/SimulatedDisk.swift`: bytes are durable by their own file's sync (or a synchronous write, for its range);
/// names by a sync of any directory. Changes of names are ordered, as on a journalling filesystem: power loss keeps a beginning of
/// those that were not synced. Not thread-safe: its server has a lock.
final class Drive {
    private enum NameChange {
        case put(Node, String, Node)
        case remove(Node, String)
        case move(Node, String, Node, String)
    }

    let totalBytes: Int
    private(set) var root: Node
    private var nextID: UInt64 = 2
    private var changes: [NameChange] = []
    /// The planted faults: these syncs are answered and not done.
    var lies: Set<Sync> = []

    init(totalBytes: Int) {
        self.totalBytes = totalBytes
        root = Node(id: 1, mode: 0o755, isDirectory: true)
    }

    // MARK: Space

    /// Files count with their whole size.
    var usedBytes: Int { Self.bytes(below: root) }

    private static func bytes(below node: Node) -> Int {
        node.entries.values.reduce(0) { $0 + ($1.content?.bytes ?? bytes(below: $1)) }
    }

    /// `ENOSPC` or `EFBIG` where the file cannot become so large.
    func admit(_ content: FileContent, size: Int) throws(Refusal) {
        guard size > content.bytes else { return }
        guard size <= FileContent.fileBytesMax else { throw Refusal(EFBIG) }
        guard usedBytes + size - content.bytes <= totalBytes else { throw Refusal(ENOSPC) }
    }

    // MARK: Names

    func find(_ name: String, in directory: Node) throws(Refusal) -> Node {
        guard directory.isDirectory else { throw Refusal(ENOTDIR) }
        guard let node = directory.entries[name] else { throw Refusal(ENOENT) }
        return node
    }

    func make(_ name: String, in directory: Node, mode: UInt32, isDirectory: Bool) throws(Refusal) -> Node {
        guard directory.isDirectory else { throw Refusal(ENOTDIR) }
        guard directory.entries[name] == nil else { throw Refusal(EEXIST) }
        let node = Node(id: nextID, mode: mode & 0o7777, isDirectory: isDirectory)
        nextID += 1
        change(.put(directory, name, node))
        return node
    }

    func remove(_ name: String, in directory: Node, isDirectory: Bool) throws(Refusal) {
        let node = try find(name, in: directory)
        guard node.isDirectory == isDirectory else { throw Refusal(isDirectory ? ENOTDIR : EISDIR) }
        guard node.entries.isEmpty else { throw Refusal(ENOTEMPTY) }
        change(.remove(directory, name))
    }

    func move(
        _ name: String, in directory: Node, to newName: String, in newDirectory: Node, mayReplace: Bool
    ) throws(Refusal) {
        let node = try find(name, in: directory)
        if let other = newDirectory.entries[newName] {
            guard mayReplace else { throw Refusal(EEXIST) }
            guard other.isDirectory == node.isDirectory else { throw Refusal(node.isDirectory ? ENOTDIR : EISDIR) }
            guard other.entries.isEmpty else { throw Refusal(ENOTEMPTY) }
            if other === node { return }
        }
        change(.move(directory, name, newDirectory, newName))
    }

    private func change(_ change: NameChange) {
        Self.apply(change, \.entries)
        changes.append(change)
    }

    private static func apply(_ change: NameChange, _ names: ReferenceWritableKeyPath<Node, [String: Node]>) {
        switch change {
        case .put(let directory, let name, let node): directory[keyPath: names][name] = node
        case .remove(let directory, let name): directory[keyPath: names][name] = nil
        case .move(let directory, let name, let newDirectory, let newName):
            newDirectory[keyPath: names][newName] = directory[keyPath: names].removeValue(forKey: name)
        }
    }

    // MARK: Durability

    func synchronizeNames() {
        guard !lies.contains(.names) else { return }
        for change in changes { Self.apply(change, \.durableEntries) }
        changes = []
    }

    func synchronize(_ content: FileContent) {
        if !lies.contains(.files) { content.synchronize() }
    }

    func synchronize(_ content: FileContent, at offset: Int, count: Int) {
        if !lies.contains(.writes) { content.synchronize(at: offset, count: count) }
    }

    /// Power is lost: what was unsynced is decided by `random`.
    func resolve(_ mode: CutMode, _ random: inout SeededRandom) -> CutSummary {
        let kept: Int
        switch mode {
        case .keep: kept = changes.count
        case .lose: kept = 0
        case .mixed: kept = Int.random(in: 0...changes.count, using: &random)
        }
        var summary = CutSummary(lostNames: changes.count - kept)
        for change in changes.prefix(kept) { Self.apply(change, \.durableEntries) }
        changes = []
        resolve(root, mode, &random, &summary)
        return summary
    }

    private func resolve(_ node: Node, _ mode: CutMode, _ random: inout SeededRandom, _ summary: inout CutSummary) {
        node.lookupCount = 0
        if let content = node.content { summary = summary + content.resolve(mode, &random) }
        node.entries = node.durableEntries
        for name in node.entries.keys.sorted() {
            if let child = node.entries[name] { resolve(child, mode, &random, &summary) }
        }
    }
}
