import Base
import ErasureCoding
import SegmentStore
import SystemIO

/// The memory of a ring of unflushed writes: `<run directory>/rings/<volume>`, in a tmpfs. It outlives the engine's process and not the machine.
///
///     header  offset  size  field
///                  0     8  magic "ASHLRNG1"
///                  8     2  version (1)
///                 10     6  reserved, 0
///                 16    16  pool
///                 32    16  volume
///                 48    16  boot id of the kernel
///                 64     4  slots (n)
///                 68     4  blocks of the payload (b)
///                 72     8  first sequence: no entry of this file has a lower one
///                 80     8  log sequence: records up to here were durable when the file was made
///                 88    36  reserved, 0
///                124     4  CRC-32C of all before; never written again
///                128     8  admitted: the highest sequence that was, one below the first where there is none
///                136     8  the complement of admitted, stored after it
///                144   880  0
///               1024  1024  tails: `RingTails`
///               2048  2048  0
///     slots     4096  64 n  entry with sequence s is in slot s mod n:
///                  0     8  sequence: one more than the entry before
///                  8     8  first block in the volume (48 bits), blocks (16 bits)
///                 16     8  position: where its payload is, in blocks since positions began; of a discard, where the next one's would be
///                 24     8  unique of the request that it ends; 0: none, or it is not the request's last entry
///                 32     8  connection of that request
///                 40     8  attach epoch of the writer
///                 48     4  birth epoch of its blocks
///                 52     1  kind: 1 data, 2 discard, 3 void (refused), 4 control (snapshots; void at replay)
///                 53     3  entries since the last one before it that is no void; 1 where that is the one before, at most 2^24 - 1
///                 56     4  CRC-32C of the checksums of its blocks; 0 where it has no payload
///                 60     4  CRC-32C of all before, stored last
///     checksums       4 b   CRC-32C of the block at each place of the payload
///     payload      4096 b   begins at a multiple of 4096; the block of position q is at place q mod b. No entry is split by the end.
///
/// Version rule: a file of an unknown version is refused, since there may be answered writes in it. A file is made complete under a temporary name.
///
/// Order of stores: payload and checksums, the slot, its CRC, `admitted`, its complement; then the request may be answered. A slot is written over
/// when the record that has its entry is durable and in the map.
///
/// Replay rule: with d the last ring sequence of the recovered log (`lastRingSequence` of its last record, or of the checkpoint that covers it),
/// the entries from max(d + 1, first sequence) to the last one that was admitted are drained again, where they lie.
/// The last one that was admitted is the one that the complement says, or any that checks right behind it: who takes the ring over counts it first. A
/// slot there that does not check was being written and does not count, unless `admitted`, stored before its complement, says that it was whole.
/// - Of another pool, volume or boot, or with fewer entries than the log has: set aside; the log went on without it.
/// Entries that were written over count as voids where the oldest slot says that they were.
/// - Anything else that does not check (header, any slot that should be there, payload to be replayed, entries that the log lacks and the
///   file has no more): the memory was damaged, or the log is older than it was, and answered writes are lost. The volume is not opened until a
///   higher attach epoch is granted: its user is gone then, and what it sees is what a loss of power would have left. The file is set aside.
struct RingLayout: Equatable {
    static let magic: UInt64 = 0x3147_4E52_4C48_5341  // "ASHLRNG1"
    static let version: UInt16 = 1
    static let slotBytes = 64
    static let checksumBytes = 4
    static let headerChecksumOffset = 124
    static let admittedOffset = 128
    static let complementOffset = 136

    var slots: Int
    var blocks: Int

    /// With as many slots as blocks: entries of one block can fill it.
    init(payloadBytes: Int) {
        blocks = max(payloadBytes / blockBytes, 4 * WriteRing.requestBlocksMax)
        slots = blocks
    }

    init(slots: Int, blocks: Int) {
        self.slots = slots
        self.blocks = blocks
    }

    var slotOffset: Int { blockBytes }
    var checksumOffset: Int { slotOffset + slots * Self.slotBytes }
    var payloadOffset: Int { (checksumOffset + blocks * Self.checksumBytes).roundedUp(toMultipleOf: blockBytes) }
    var bytes: Int { payloadOffset + blocks * blockBytes }
}

/// Whose ring it is.
struct RingIdentity: Equatable {
    var pool: PoolID
    var volume: VolumeID
    var boot: BootID
}

/// What the first page of a ring says.
struct RingHeader {
    var identity: RingIdentity
    var layout: RingLayout
    var firstSequence: UInt64
    var logSequence: UInt64

    func encode(into page: UnsafeMutableRawPointer) {
        page.put(RingLayout.magic, at: 0)
        page.put(RingLayout.version, at: 8)
        page.put(identity.pool.high, at: 16)
        page.put(identity.pool.low, at: 24)
        page.put(identity.volume.high, at: 32)
        page.put(identity.volume.low, at: 40)
        page.put(identity.boot.high, at: 48)
        page.put(identity.boot.low, at: 56)
        page.put(UInt32(layout.slots), at: 64)
        page.put(UInt32(layout.blocks), at: 68)
        page.put(firstSequence, at: 72)
        page.put(logSequence, at: 80)
        page.put(crc32c(page, bytes: RingLayout.headerChecksumOffset), at: RingLayout.headerChecksumOffset)
        page.put(firstSequence - 1, at: RingLayout.admittedOffset)
        page.put(~(firstSequence - 1), at: RingLayout.complementOffset)
    }

    /// `corrupt` where it does not check, `unsupported` for another version.
    init(_ memory: any RingMemory) throws(Failure) {
        let page = UnsafeRawPointer(memory.base)
        guard memory.bytes >= blockBytes, page.get(UInt64.self, at: 0) == RingLayout.magic else {
            throw Failure(.corrupt, "it does not begin as a ring does")
        }
        guard page.get(UInt16.self, at: 8) == RingLayout.version else {
            throw Failure(
                .unsupported, "it is of version \(page.get(UInt16.self, at: 8)): start an ashlar that knows it")
        }
        guard
            crc32c(page, bytes: RingLayout.headerChecksumOffset)
                == page.get(UInt32.self, at: RingLayout.headerChecksumOffset)
        else { throw Failure(.corrupt, "its header does not match its checksum") }
        identity = RingIdentity(
            pool: PoolID(high: page.get(at: 16), low: page.get(at: 24)),
            volume: VolumeID(high: page.get(at: 32), low: page.get(at: 40)),
            boot: BootID(high: page.get(at: 48), low: page.get(at: 56)))
        layout = RingLayout(slots: Int(page.get(UInt32.self, at: 64)), blocks: Int(page.get(UInt32.self, at: 68)))
        firstSequence = page.get(at: 72)
        logSequence = page.get(at: 80)
        guard layout.slots > 0, layout.blocks > 0, layout.bytes == memory.bytes, firstSequence > 0,
            firstSequence < 1 << 62
        else { throw Failure(.corrupt, "its size of \(memory.bytes) bytes is not what its header says") }
    }

    init(identity: RingIdentity, layout: RingLayout, firstSequence: UInt64, logSequence: UInt64) {
        self.identity = identity
        self.layout = layout
        self.firstSequence = firstSequence
        self.logSequence = logSequence
    }
}

/// One slot of a ring.
struct RingSlot: Equatable {
    var sequence: UInt64
    var kind: RingEntry.Kind
    var block: UInt64
    var count: Int
    var position: UInt64
    var unique: UInt64
    var connection: UInt64
    var attachEpoch: UInt64
    var birthEpoch: UInt32
    /// To the last entry before it that is no void.
    var distance: UInt64
    /// CRC-32C of the checksums of its blocks.
    var payloadChecksum: UInt32

    private static let checksumOffset = 60
    private static let distanceMax: UInt64 = 1 << 24 - 1

    func encode(into slot: UnsafeMutableRawPointer) {
        slot.put(sequence, at: 0)
        slot.put(block | UInt64(count) << 48, at: 8)
        slot.put(position, at: 16)
        slot.put(unique, at: 24)
        slot.put(connection, at: 32)
        slot.put(attachEpoch, at: 40)
        slot.put(birthEpoch, at: 48)
        slot.put(UInt32(kind.rawValue) | UInt32(min(distance, Self.distanceMax)) << 8, at: 52)
        slot.put(payloadChecksum, at: 56)
        storeLast(crc32c(slot, bytes: Self.checksumOffset), at: slot + Self.checksumOffset)
    }

    /// Nil where it does not check.
    init?(_ slot: UnsafeRawPointer) {
        guard slot.get(UInt32.self, at: Self.checksumOffset) == crc32c(slot, bytes: Self.checksumOffset),
            let kind = RingEntry.Kind(rawValue: slot.get(at: 52))
        else { return nil }
        self.kind = kind
        sequence = slot.get(at: 0)
        let run = slot.get(UInt64.self, at: 8)
        block = run & (1 << 48 - 1)
        count = Int(run >> 48)
        position = slot.get(at: 16)
        unique = slot.get(at: 24)
        connection = slot.get(at: 32)
        attachEpoch = slot.get(at: 40)
        birthEpoch = slot.get(at: 48)
        distance = UInt64(slot.get(UInt32.self, at: 52) >> 8)
        payloadChecksum = slot.get(at: 56)
    }

    init(
        sequence: UInt64, kind: RingEntry.Kind, block: UInt64, count: Int, position: UInt64, unique: UInt64,
        connection: UInt64, attachEpoch: UInt64, birthEpoch: UInt32, distance: UInt64, payloadChecksum: UInt32
    ) {
        self.sequence = sequence
        self.kind = kind
        self.block = block
        self.count = count
        self.position = position
        self.unique = unique
        self.connection = connection
        self.attachEpoch = attachEpoch
        self.birthEpoch = birthEpoch
        self.distance = distance
        self.payloadChecksum = payloadChecksum
    }
}
