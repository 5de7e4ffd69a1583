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

/// A file's bytes as reads see them, and beside them what would be left of each changed block after power loss.
///
/// Invariant: what is durable is `seen`, except for the blocks in `unsynced`. Past both sizes all bytes are zeros.
final class FileContent {
    static let blockBytes = 4096
    static let sectorBytes = 512
    /// Address space that each file reserves; memory is taken where it is written.
    static let fileBytesMax = 256 << 20
    /// Earlier unsynced versions that are kept of a block, besides the newest.
    private static let olderImagesMax = 2

    /// Of a block that changed since its last sync. Images are of one block, and owned.
    private struct Unsynced {
        var durable: UnsafeMutableRawPointer
        /// Versions that a drive could have got to before the newest.
        var older: [UnsafeMutableRawPointer] = []
    }

    private(set) var bytes = 0
    private var durableBytes = 0
    /// Each size since the last sync, oldest first.
    private var sizesSinceSync: [Int] = []
    private let seen: UnsafeMutableRawPointer
    private var unsynced: [Int: Unsynced] = [:]
    private var replaced = 0

    init() {
        let memory = mmap(
            nil, Self.fileBytesMax, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE), -1, 0)
        guard let memory, memory != MAP_FAILED else { preconditionFailure("no address space: errno \(errno)") }
        seen = memory
    }

    deinit {
        for block in Array(unsynced.keys) { settle(block) }
        munmap(seen, Self.fileBytesMax)
    }

    // MARK: As a file

    /// The bytes from `offset` on, at most `count`; fewer only at the end. Valid until the next change.
    func read(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: seen + min(offset, bytes), count: max(0, min(count, bytes - offset)))
    }

    /// The caller has checked `fileBytesMax`.
    func write(_ source: UnsafeRawBufferPointer, at offset: Int) {
        guard let base = source.baseAddress, source.count > 0 else { return }
        var done = 0
        while done < source.count {
            let at = offset + done
            let part = min(source.count - done, Self.blockBytes - at % Self.blockBytes)
            // The same bytes change nothing; and zeros where nothing was written yet take no memory.
            if memcmp(seen + at, base + done, part) != 0 {
                remember(at / Self.blockBytes)
                memcpy(seen + at, base + done, part)
            }
            done += part
        }
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
        guard let older = unsynced[block]?.older else {
            unsynced[block] = Unsynced(durable: image(of: block))
            return
        }
        if older.count < Self.olderImagesMax {
            unsynced[block]?.older.append(image(of: block))
        } else {
            memcpy(older[replaced % older.count], seen + block * Self.blockBytes, Self.blockBytes)
            replaced += 1
        }
    }

    private func image(of block: Int) -> UnsafeMutableRawPointer {
        let image = UnsafeMutableRawPointer.allocate(byteCount: Self.blockBytes, alignment: Self.sectorBytes)
        memcpy(image, seen + block * Self.blockBytes, Self.blockBytes)
        return image
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

    /// What is seen of it is durable.
    private func settle(_ block: Int) {
        guard let images = unsynced.removeValue(forKey: block) else { return }
        images.durable.deallocate()
        for image in images.older { image.deallocate() }
    }

    private func synchronizeSize() {
        durableBytes = bytes
        sizesSinceSync = []
    }

    /// Power is lost: what was unsynced is decided, and seen is what is durable afterwards.
    func resolve(_ mode: CutMode, _ random: inout some RandomNumberGenerator) -> CutSummary {
        var summary = CutSummary()
        // A fixed order, so that chance repeats.
        for block in unsynced.keys.sorted() {
            guard let images = unsynced[block] else { continue }
            switch mode {
            case .keep: summary.keptBlocks += 1
            case .lose: lose(block, images, &summary)
            case .mixed: resolveByChance(block, images, &random, &summary)
            }
            settle(block)
        }
        let end = (max(bytes, durableBytes) + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes
        switch mode {
        case .keep: break
        case .lose: bytes = durableBytes
        case .mixed: bytes = (sizesSinceSync + [durableBytes]).randomElement(using: &random) ?? durableBytes
        }
        // A block that was kept can lie where the size that reached it was lost.
        if bytes < end { memset(seen + bytes, 0, end - bytes) }
        synchronizeSize()
        return summary
    }

    private func lose(_ block: Int, _ images: Unsynced, _ summary: inout CutSummary) {
        memcpy(seen + block * Self.blockBytes, images.durable, Self.blockBytes)
        summary.lostBlocks += 1
    }

    private func resolveByChance(
        _ block: Int, _ images: Unsynced, _ random: inout some RandomNumberGenerator, _ summary: inout CutSummary
    ) {
        let place = seen + block * Self.blockBytes
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<3: lose(block, images, &summary)
        case 3..<6: summary.keptBlocks += 1
        case 6:
            guard let older = images.older.randomElement(using: &random) else {
                return lose(block, images, &summary)
            }
            memcpy(place, older, Self.blockBytes)
            summary.keptBlocks += 1
        default:
            let sources = [place, images.durable] + images.older
            for sector in stride(from: 0, to: Self.blockBytes, by: Self.sectorBytes) {
                let source = sources[Int.random(in: 0..<sources.count, using: &random)]
                if source != place { memcpy(place + sector, source + sector, Self.sectorBytes) }
            }
            summary.tornBlocks += 1
        }
    }
}
