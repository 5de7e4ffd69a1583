import ArgumentParser
import Base
import CSIMessages
import Foundation

/// A size as people write it: `2Gi`, `500M`, `4096`.
struct SizeArgument: ExpressibleByArgument {
    let bytes: Int64

    init?(argument: String) {
        guard let bytes = ByteSize.parse(argument).flatMap({ Int64(exactly: $0) }) else { return nil }
        self.bytes = bytes
    }
}

/// `key=value`; the value may contain further equals signs.
struct PairArgument: ExpressibleByArgument {
    let key: String
    let value: String

    init?(argument: String) {
        guard let sign = argument.firstIndex(of: "="), sign != argument.startIndex else { return nil }
        key = String(argument[..<sign])
        value = String(argument[argument.index(after: sign)...])
    }
}

/// An access mode as the contract names it, in kebab case.
struct AccessModeArgument: ExpressibleByArgument {
    typealias Mode = CSI.VolumeCapability.AccessMode.Mode
    let mode: Mode

    init(_ mode: Mode) { self.mode = mode }

    init?(argument: String) {
        guard let mode = Mode.allCases.first(where: { $0 != .unknown && Self.kebab($0) == argument }) else {
            return nil
        }
        self.mode = mode
    }

    var defaultValueDescription: String { Self.kebab(mode) }

    static var allValueStrings: [String] { Mode.allCases.filter { $0 != .unknown }.map(kebab) }

    private static func kebab(_ mode: Mode) -> String {
        mode.name.lowercased().replacingOccurrences(of: "_", with: "-")
    }
}

extension [PairArgument] {
    /// - Throws: `ValidationError` where a key is given twice.
    func dictionary(_ option: String) throws -> [String: String] {
        var found: [String: String] = [:]
        for pair in self where found.updateValue(pair.value, forKey: pair.key) != nil {
            throw ValidationError("\(option) \(pair.key) is given twice.")
        }
        return found
    }

    func topology() throws -> CSI.Topology? {
        isEmpty ? nil : CSI.Topology(segments: try dictionary("--topology"))
    }
}

struct CapacityOptions: ParsableArguments {
    @Option(help: "The least size, such as 2Gi.")
    var requiredBytes: SizeArgument?

    @Option(help: "The largest size, such as 4Gi.")
    var limitBytes: SizeArgument?

    var range: CSI.CapacityRange? {
        guard requiredBytes != nil || limitBytes != nil else { return nil }
        return CSI.CapacityRange(requiredBytes: requiredBytes?.bytes ?? 0, limitBytes: limitBytes?.bytes ?? 0)
    }
}

/// How the volume is to be used.
struct CapabilityOptions: ParsableArguments {
    @Option(help: "Who uses the volume at once.")
    var accessMode = AccessModeArgument(.singleNodeWriter)

    @Flag(help: "A block device in place of a filesystem.")
    var block = false

    @Option(help: "The filesystem: ext4 or xfs. Default: the driver chooses.")
    var fsType: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An option for mount, such as noatime. May be repeated.", valueName: "flag"))
    var mountFlag: [String] = []

    @Option(help: ArgumentHelp("The group that owns the files.", valueName: "gid"))
    var volumeMountGroup: String?

    func validate() throws {
        guard !block || (fsType == nil && mountFlag.isEmpty && volumeMountGroup == nil) else {
            throw ValidationError("--block goes with none of --fs-type, --mount-flag and --volume-mount-group.")
        }
    }

    var capability: CSI.VolumeCapability {
        let mount = CSI.VolumeCapability.MountVolume(
            fsType: fsType ?? "", mountFlags: mountFlag, volumeMountGroup: volumeMountGroup ?? "")
        return CSI.VolumeCapability(
            accessType: block ? .block(.init()) : .mount(mount), accessMode: .init(mode: accessMode.mode))
    }
}

/// Secrets come from files: what stands on a command line is seen by everybody on the machine.
struct SecretOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A secret's key and the file with its value. May be repeated.", valueName: "key=file"))
    var secretFile: [PairArgument] = []

    /// - Throws: `ExitCode` 66 after naming a file that cannot be read; never its content.
    func secrets() throws -> [String: String] {
        var found: [String: String] = [:]
        for (key, path) in try secretFile.dictionary("--secret-file") {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                writeToStandardError("Error: cannot read the secret file \(path) as UTF-8 text\n")
                throw ExitCode(EX_NOINPUT)
            }
            found[key] = text.hasSuffix("\n") ? String(text.dropLast()) : text
        }
        return found
    }
}
