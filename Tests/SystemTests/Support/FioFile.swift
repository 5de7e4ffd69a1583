import Base
import Glibc

/// A file or raw device, or a part of one, that fio overwrites at random, each 4 KiB block with a header and CRC-32C of its own. Filled
/// first, so that afterwards every block must hold one whole write of fio's to that very place: old or new.
struct FioFile: Sendable {
    let path: String
    var offsetBytes = 0
    let bytes: Int

    private var arguments: String {
        "--filename=\(path) --offset=\(offsetBytes) --size=\(bytes) --bs=4k --direct=1 --ioengine=libaio --verify=crc32c "
            + "--verify_pattern=0x617368%o --allow_file_create=1"
    }

    func fill(_ host: Host) async throws {
        try await host.shell(
            "fio --name=fill \(arguments) --rw=write --iodepth=16 --do_verify=0 --end_fsync=1 2>&1")
    }

    /// Overwrites it with a sync now and then, until I/O fails or `seconds` are over.
    func write(_ host: Host, seed: UInt64, seconds: Int) async {
        _ = try? await host.shell(
            """
            fio --name=write \(arguments) --rw=randwrite --norandommap --randseed=\(seed) --iodepth=16 --fdatasync=32 \
                --do_verify=0 --time_based --runtime=\(seconds) 2>&1
            """)
    }

    /// `wrong` where a block is not one that fio wrote there, whole; another error where it cannot be read.
    func verify(_ host: Host) async throws {
        do {
            try await host.shell("fio --name=verify \(arguments) --rw=read --iodepth=16 --verify_fatal=1 2>&1")
        } catch let failure as Failure where failure.description.contains("err=\(EILSEQ)") {
            throw CheckedFile.Problem.wrong("fio verify of \(path): \(failure)")
        }
    }
}
