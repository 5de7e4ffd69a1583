import Base
import Glibc

/// A file or raw device, or a part of one, that fio overwrites at random, each 4 KiB block with a header and CRC-32C of its own. Filled
/// first, so that afterwards every block must hold one whole write of fio's to that very place: old or new.
struct FioFile: Sendable {
    let path: String
    var offsetBytes = 0
    let bytes: Int
    /// Of one write.
    var requestBytes = blockBytes
    /// Writes between two syncs; 0 for none at all, so that much is on its way at any moment.
    var writesPerSync = 32

    private var job: String {
        "--name=\(path) --filename=\(path) --offset=\(offsetBytes) --size=\(bytes) --bs=\(requestBytes)"
    }
    private static let common =
        "--direct=1 --ioengine=libaio --iodepth=16 --verify=crc32c --verify_state_save=0 --verify_interval=\(blockBytes) --verify_pattern=0x617368%o"

    /// Writes each once, and makes it durable.
    static func fill(_ files: [FioFile], _ host: Host) async throws {
        let jobs = files.map { "\($0.job) --rw=write" }
        try await run("--do_verify=0 --end_fsync=1", jobs, host)
    }

    /// Overwrites them until I/O fails or `seconds` are over.
    static func write(_ files: [FioFile], _ host: Host, seed: UInt64, seconds: Int) async {
        let jobs = files.map { "\($0.job) --rw=randwrite --norandommap --fdatasync=\($0.writesPerSync)" }
        let options = "--do_verify=0 --randseed=\(seed) --time_based --runtime=\(seconds)"
        try? await run(options, jobs, host)
    }

    /// `wrong` where a block is not one that fio wrote there, whole; another error where it cannot be read.
    static func verify(_ files: [FioFile], _ host: Host) async throws {
        do { try await run("--verify_fatal=1", files.map { "\($0.job) --rw=read" }, host) } catch {
            guard "\(error)".contains("err=\(EILSEQ)") else { throw error }
            throw CheckedFile.Problem.wrong("fio verify: \(error)")
        }
    }

    /// One process, all jobs at once. Its files need be no larger than they are: fio lays nothing out that is there.
    private static func run(_ options: String, _ jobs: [String], _ host: Host) async throws {
        try await host.shell("fio \(common) \(options) \(jobs.joined(separator: " ")) 2>&1")
    }
}
