import Base
import Glibc
import SystemIO

/// One line of `/proc/<pid>/mountinfo` (proc_pid_mountinfo(5)), with its escapes undone.
public struct MountEntry: Sendable, Equatable {
    public var id: Int
    public var parent: Int
    /// Of the filesystem: for one on a loop device, that device's own number.
    public var deviceMajor: UInt32
    public var deviceMinor: UInt32
    /// The directory of the filesystem that is mounted: `/`, or what a bind mount names.
    public var root: String
    public var mountPoint: String
    public var options: [String]
    public var type: String
    public var source: String
    /// Options of the filesystem, as opposed to those of this mount.
    public var filesystemOptions: [String]

    public var isReadOnly: Bool { options.contains("ro") }

    public init(
        id: Int, parent: Int, deviceMajor: UInt32, deviceMinor: UInt32, root: String, mountPoint: String,
        options: [String], type: String, source: String, filesystemOptions: [String]
    ) {
        self.id = id
        self.parent = parent
        self.deviceMajor = deviceMajor
        self.deviceMinor = deviceMinor
        self.root = root
        self.mountPoint = mountPoint
        self.options = options
        self.type = type
        self.source = source
        self.filesystemOptions = filesystemOptions
    }

    /// Nil where `line` does not have the form.
    public init?(line: String) {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard fields.count >= 10, let separator = fields[6...].firstIndex(of: "-"), fields.count >= separator + 4,
            let id = Int(fields[0]), let parent = Int(fields[1])
        else { return nil }
        let device = fields[2].split(separator: ":")
        guard device.count == 2, let major = UInt32(device[0]), let minor = UInt32(device[1]) else { return nil }
        self.init(
            id: id, parent: parent, deviceMajor: major, deviceMinor: minor, root: Self.unescaped(fields[3]),
            mountPoint: Self.unescaped(fields[4]), options: Self.words(fields[5]),
            type: Self.unescaped(fields[separator + 1]), source: Self.unescaped(fields[separator + 2]),
            filesystemOptions: Self.words(fields[separator + 3]))
    }

    private static func words(_ field: String) -> [String] { field.split(separator: ",").map { unescaped(String($0)) } }

    /// The kernel writes space, tab, newline, backslash and `#` as a backslash and three octal digits.
    static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
        let bytes = Array(text.utf8)
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), let value = octal(bytes[(index + 1)...].prefix(3)) {
                plain.append(value)
                index += 4
            } else {
                plain.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    private static func octal(_ digits: ArraySlice<UInt8>) -> UInt8? {
        guard digits.count == 3 else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else { return nil }
            value = value * 8 + Int(digit - UInt8(ascii: "0"))
        }
        return UInt8(exactly: value)
    }
}

/// All mounts that this process sees, in the kernel's order: a later one at the same place lies on top.
public struct MountTable: Sendable {
    public var entries: [MountEntry]

    public init(entries: [MountEntry]) { self.entries = entries }

    /// Lines without the form are left out: a newer kernel's additions must not stop us.
    public init(parsing text: String) {
        entries = text.split(separator: "\n").compactMap { MountEntry(line: String($0)) }
    }

    /// Blocks, but on nothing that a mounted filesystem does.
    public static func current() throws(Failure) -> MountTable {
        MountTable(parsing: try readPseudoFile("/proc/self/mountinfo"))
    }

    /// The top mount at exactly `path` (absolute, no trailing slash, no symbolic links); nil where there is none.
    public func entry(at path: String) -> MountEntry? { entries.last { $0.mountPoint == path } }

    /// Every mount of the device, for example a staged volume and its bind mounts.
    public func entries(ofDevice major: UInt32, _ minor: UInt32) -> [MountEntry] {
        entries.filter { $0.deviceMajor == major && $0.deviceMinor == minor }
    }
}
