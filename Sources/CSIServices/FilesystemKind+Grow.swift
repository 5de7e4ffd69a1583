import Base
import Domain
import Filesystems
import Glibc
import SystemIO

/// Growing a filesystem to its device. All of it blocks.
extension FilesystemKind {
    /// Before it is mounted ext4 grows without any privilege; XFS grows only when it is mounted.
    func growBeforeMount(_ device: String) throws(Failure) {
        guard self == .ext4, try type.isSmallerThanDevice(device) else { return }
        // resize2fs(8) asks for a full check first: "Please run 'e2fsck -f' first."
        let check = try ExternalTool.e2fsck.run(
            ["-f", "-p", device], secondsMax: FilesystemType.checkSecondsMax, accepting: 0...255)
        guard check.exitCode <= 1 else {
            throw Failure(.corrupt, "the ext4 on \(device) is damaged and cannot grow: \(check.output)")
        }
        try ExternalTool.resize2fs.run([device], secondsMax: FilesystemType.growSecondsMax)
    }

    /// While pods use it.
    func growMounted(_ device: String, at mountPoint: String) throws(Failure) {
        do throws(Failure) {
            try type.grow(device: device, mountPoint: mountPoint)
        } catch {
            guard self == .ext4, !hasResourceCapability() else { throw error }
            throw Failure(
                .failedPrecondition,
                "the kernel lets ext4 grow while it is mounted only with CAP_SYS_RESOURCE, which this process has not: "
                    + "give it that capability, or unstage and stage the volume, which grows it before it is mounted",
                cause: error)
        }
    }

    /// CAP_SYS_RESOURCE, bit 24 of the effective set (linux/capability.h, capabilities(7)).
    private func hasResourceCapability() -> Bool {
        guard let file = fopen("/proc/self/status", "r") else { return true }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("CapEff:") else { continue }
            let digits = text.dropFirst("CapEff:".count).filter { $0.isHexDigit }
            return UInt64(digits, radix: 16).map { $0 >> 24 & 1 == 1 } ?? true
        }
        return true
    }
}
