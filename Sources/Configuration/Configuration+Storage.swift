import Base
import Domain
import Yams

/// The parts of the file that describe storage: pool, groups, classes.
extension Configuration {
    static func readPool(_ pool: Reader) -> Pool {
        pool.checkKeys(.pool)
        let list = pool.child("mountpaths")
        if !list.isPresent { list.problem("is missing; list at least one mountpath with 'path' and 'media'") }
        var mountpaths: [Mountpath] = []
        for entry in list.list() {
            entry.checkKeys(.mountpath)
            guard entry.node?.mapping != nil else { continue }
            let path = entry.child("path").absolutePath()
            if mountpaths.contains(where: { $0.path == path }) {
                entry.child("path").problem("'\(path)' is listed twice; each mountpath is one drive")
            }
            if !entry.child("media").isPresent {
                entry.child("media").problem("is missing; say nvme, ssd or hdd")
            }
            mountpaths.append(Mountpath(path: path, media: entry.child("media").choice(default: .nvme)))
        }
        if list.isPresent, list.node?.sequence?.isEmpty == true {
            list.problem("is empty; list at least one mountpath")
        }
        return Pool(
            mountpaths: mountpaths, allowSharedFilesystem: pool.child("allowSharedFilesystem").bool(default: false),
            acceptMissing: pool.child("acceptMissing").bool(default: false))
    }

    static func readGroups(_ list: Reader) -> [VolumeGroup] {
        guard list.isPresent else { return Defaults.groups }
        var groups: [VolumeGroup] = []
        for entry in list.list() {
            entry.checkKeys(.group)
            guard entry.node?.mapping != nil else { continue }
            let group = readGroup(entry)
            if groups.contains(where: { $0.label == group.label }) {
                entry.child("label").problem("'\(group.label)' is given twice")
            }
            groups.append(group)
        }
        return groups
    }

    private static func readGroup(_ entry: Reader) -> VolumeGroup {
        let label = entry.child("label").requiredText()
        if !label.isEmpty, let problem = VolumeGroup.problem(withLabel: label) {
            entry.child("label").problem("'\(label)' \(problem)")
        }
        let profile: Profile = entry.child("profile").choice(default: .standard)
        let unit = VolumeGroup.sliceBytesUnit
        let capacity = entry.child("capacity")
        return VolumeGroup(
            label: label, profile: profile, protection: readProtection(entry.child("protection")),
            media: readMedia(entry.child("media")),
            capacityBytes: capacity.isPresent
                ? capacity.size(default: 0, in: unit...CapacityRange.largestBytes, multipleOf: CapacityRange.unitBytes)
                : nil,
            deletionPolicy: entry.child("deletionPolicy").choice(default: .retain),
            sliceBytes: entry.child("sliceSize").size(
                default: profile.defaultSliceBytes, in: unit...VolumeGroup.sliceBytesMax, multipleOf: unit))
    }

    private static func readProtection(_ reader: Reader) -> Protection {
        let text = reader.requiredText()
        if text.isEmpty { return .single }
        guard let protection = Protection(text) else {
            reader.problem("'\(text)' must be \(Protection.forms)")
            return .single
        }
        return protection
    }

    /// `[any]` and nothing at all mean every medium.
    private static func readMedia(_ reader: Reader) -> [Media] {
        let entries = reader.list()
        if entries.contains(where: { $0.node?.scalar?.string == "any" }) {
            if entries.count > 1 { reader.problem("'any' stands alone") }
            return []
        }
        var media: [Media] = []
        for entry in entries {
            let text = entry.node?.scalar?.string ?? "?"
            guard let medium = Media(rawValue: text) else {
                entry.problem(
                    "'\(text)' must be one of \(Media.allCases.map(\.rawValue).joined(separator: ", ")), or any")
                continue
            }
            if !media.contains(medium) { media.append(medium) }
        }
        return media
    }

    static func readClasses(_ list: Reader, _ groups: [VolumeGroup]) -> [StorageClass] {
        guard list.isPresent else {
            return Defaults.classes.filter { standard in groups.contains { $0.label == standard.group } }
        }
        var classes: [StorageClass] = []
        for entry in list.list() {
            entry.checkKeys(.storageClass)
            guard entry.node?.mapping != nil else { continue }
            let found = readClass(entry, groups)
            if classes.contains(where: { $0.name == found.name }) {
                entry.child("name").problem("'\(found.name)' is given twice")
            }
            classes.append(found)
        }
        return classes
    }

    private static func readClass(_ entry: Reader, _ groups: [VolumeGroup]) -> StorageClass {
        let name = entry.child("name").requiredText()
        if !name.isEmpty, let problem = VolumeGroup.problem(withLabel: name) {
            entry.child("name").problem("'\(name)' \(problem)")
        }
        let group = entry.child("group").text(default: name)
        if !name.isEmpty, !groups.contains(where: { $0.label == group }) {
            entry.child("group").problem(
                "there is no group '\(group)'; known: \(groups.map(\.label).joined(separator: ", "))")
        }
        let filesystem: FilesystemKind = entry.child("filesystem").choice(default: .ext4)
        return StorageClass(
            name: name, group: group, filesystem: filesystem,
            mountOptions: readOptions(
                entry.child("mountOptions"), standard: ["noatime"], filesystem.problem(withMountOption:)),
            mkfsOptions: readOptions(entry.child("mkfsOptions"), standard: [], filesystem.problem(withMkfsOption:)))
    }

    private static func readOptions(
        _ list: Reader, standard: [String], _ check: (String) -> String?
    ) -> [String] {
        guard list.isPresent else { return standard }
        return list.list().map { entry in
            let option = entry.text(default: "")
            if !option.isEmpty, let problem = check(option) { entry.problem(problem) }
            return option
        }
    }

    static func readDefaultClass(_ reader: Reader, _ classes: [StorageClass]) -> String? {
        guard reader.isPresent else {
            return classes.contains { $0.name == Defaults.className } ? Defaults.className : nil
        }
        let name = reader.text(default: "")
        if !name.isEmpty, !classes.contains(where: { $0.name == name }) {
            reader.problem("there is no class '\(name)'; known: \(classes.map(\.name).joined(separator: ", "))")
        }
        return name
    }
}
