import Glibc

/// What a power loss does with everything that was not synced.
enum CutMode: String {
    /// All of it is there, as after kill -9.
    case keep
    /// None of it is.
    case lose
    /// Each block by chance: kept, lost, an earlier unsynced version, or torn at sectors.
    case mixed
}

/// Counts of what a cut did, for the log.
struct CutSummary {
    var keptBlocks = 0
    var lostBlocks = 0
    var tornBlocks = 0
    var lostNames = 0

    static func + (one: CutSummary, other: CutSummary) -> CutSummary {
        CutSummary(
            keptBlocks: one.keptBlocks + other.keptBlocks, lostBlocks: one.lostBlocks + other.lostBlocks,
            tornBlocks: one.tornBlocks + other.tornBlocks, lostNames: one.lostNames + other.lostNames)
    }
}

/// A file's bytes twice: what reads see, and what would be left after power loss.
///
/// Invariant: `seen` and `durable` differ only in blocks that are keys of `unsynced`, and past both sizes both are zeros.
final class FileContent {
    static let blockBytes = 4096
    static let sectorBytes = 512
    /// Address space that each file reserves, twice; memory is taken where it is written.
    static let fileBytesMax = 256 << 20
    /// Earlier unsynced versions that are kept of a block, besides the newest.
    private static let olderImagesMax = 2

    private(set) var bytes = 0
    private var durableBytes = 0
    /// Each size since the last sync, oldest first.
    private var sizesSinceSync: [Int] = []
    private let seen: UnsafeMutableRawPointer
    private let durable: UnsafeMutableRawPointer
    /// Changed since their last sync, with earlier versions that a drive could have got to first. Owned.
    private var unsynced: [Int: [UnsafeMutableRawPointer]] = [:]
    private var replaced = 0

    init() {
        seen = Self.reserve()
        durable = Self.reserve()
    }

    deinit {
        for block in Array(unsynced.keys) { forget(block) }
        munmap(seen, Self.fileBytesMax)
        munmap(durable, Self.fileBytesMax)
    }

    private static func reserve() -> UnsafeMutableRawPointer {
        let memory = mmap(
            nil, fileBytesMax, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE), -1, 0)
        guard let memory, memory != MAP_FAILED else { preconditionFailure("no address space: errno \(errno)") }
        return memory
    }

    // MARK: As a file

    /// The bytes from `offset` on, at most `count`; fewer only at the end. Valid until the next change.
    func read(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: seen + min(offset, bytes), count: max(0, min(count, bytes - offset)))
    }

    /// The caller has checked `fileBytesMax`.
    func write(_ source: UnsafeRawBufferPointer, at offset: Int) {
        guard let base = source.baseAddress, source.count > 0 else { return }
        for block in blocks(offset, source.count) { remember(block) }
        memcpy(seen + offset, base, source.count)
        if offset + source.count > bytes { setSize(offset + source.count) }
    }

    func writeZeros(at offset: Int, count: Int) {
        guard count > 0 else { return }
        for block in blocks(offset, count) { remember(block) }
        memset(seen + offset, 0, count)
    }

    func truncate(to size: Int) {
        if size < bytes { writeZeros(at: size, count: bytes - size) }
        if size != bytes { setSize(size) }
    }

    private func setSize(_ size: Int) {
        bytes = size
        sizesSinceSync.append(size)
    }

    private func blocks(_ offset: Int, _ count: Int) -> ClosedRange<Int> {
        offset / Self.blockBytes...(offset + count - 1) / Self.blockBytes
    }

    /// Before a block changes.
    private func remember(_ block: Int) {
        guard let older = unsynced[block] else {
            unsynced[block] = []
            return
        }
        let image: UnsafeMutableRawPointer
        if older.count < Self.olderImagesMax {
            image = .allocate(byteCount: Self.blockBytes, alignment: Self.blockBytes)
            unsynced[block]?.append(image)
        } else {
            image = older[replaced % older.count]
            replaced += 1
        }
        memcpy(image, seen + block * Self.blockBytes, Self.blockBytes)
    }

    private func forget(_ block: Int) {
        for image in unsynced.removeValue(forKey: block) ?? [] { image.deallocate() }
    }

    // MARK: Durability

    func synchronize() {
        for block in Array(unsynced.keys) { settle(block) }
        synchronizeSize()
    }

    /// These bytes alone, and the size that is needed to find them.
    func synchronize(at offset: Int, count: Int) {
        if count > 0 { for block in blocks(offset, count) { settle(block) } }
        synchronizeSize()
    }

    private func settle(_ block: Int) {
        guard unsynced[block] != nil else { return }
        memcpy(durable + block * Self.blockBytes, seen + block * Self.blockBytes, Self.blockBytes)
        forget(block)
    }

    private func synchronizeSize() {
        durableBytes = bytes
        sizesSinceSync = []
    }

    /// Power is lost: what was unsynced is decided, and both copies are the same afterwards.
    func resolve(_ mode: CutMode, _ random: inout some RandomNumberGenerator) -> CutSummary {
        var summary = CutSummary()
        // A fixed order, so that chance repeats.
        for block in unsynced.keys.sorted() {
            switch mode {
            case .keep: keepNewest(block, &summary)
            case .lose: summary.lostBlocks += 1
            case .mixed: resolveByChance(block, &random, &summary)
            }
        }
        let (old, oldDurable) = (bytes, durableBytes)
        switch mode {
        case .keep: durableBytes = bytes
        case .lose: break
        case .mixed: durableBytes = (sizesSinceSync + [durableBytes]).randomElement(using: &random) ?? durableBytes
        }
        let end = max(old, oldDurable, durableBytes)
        for block in Array(unsynced.keys) {
            memcpy(seen + block * Self.blockBytes, durable + block * Self.blockBytes, Self.blockBytes)
            forget(block)
        }
        // Past the end nothing is left; a written block can lie there where its size was lost.
        let rounded = (max(end, 1) + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes
        for copy in [seen, durable] { memset(copy + durableBytes, 0, rounded - durableBytes) }
        bytes = durableBytes
        sizesSinceSync = []
        return summary
    }

    private func keepNewest(_ block: Int, _ summary: inout CutSummary) {
        memcpy(durable + block * Self.blockBytes, seen + block * Self.blockBytes, Self.blockBytes)
        summary.keptBlocks += 1
    }

    private func resolveByChance(
        _ block: Int, _ random: inout some RandomNumberGenerator, _ summary: inout CutSummary
    ) {
        let at = block * Self.blockBytes
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<3: summary.lostBlocks += 1
        case 3..<6: keepNewest(block, &summary)
        case 6:
            if let older = unsynced[block]?.randomElement(using: &random) {
                memcpy(durable + at, older, Self.blockBytes)
                summary.keptBlocks += 1
            } else {
                summary.lostBlocks += 1
            }
        default:
            let sources = [durable + at, seen + at] + (unsynced[block] ?? [])
            for sector in stride(from: 0, to: Self.blockBytes, by: Self.sectorBytes) {
                let source = sources[Int.random(in: 0..<sources.count, using: &random)]
                if source != durable + at { memcpy(durable + at + sector, source + sector, Self.sectorBytes) }
            }
            summary.tornBlocks += 1
        }
    }
}
