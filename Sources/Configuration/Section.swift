/// The keys that each part of the file may have. The published schema has the same; a test compares them.
package enum Section: String, CaseIterable {
    case root, node, csi, engine, pool, mountpath, group
    case storageClass = "class"

    package var keys: [String] {
        switch self {
        case .root:
            [
                "stateDirectory", "runDirectory", "logLevel", "node", "otherNodes", "csi", "engine", "pool", "groups",
                "createGroups", "classes", "defaultClass",
            ]
        case .node: ["id", "host"]
        case .csi:
            [
                "socket", "controllerSocket", "nodeSocket", "contract", "blockMetadata", "ephemeralSizeMax",
                "volumesPerNode",
            ]
        case .engine: ["socket", "ring", "mapCache"]
        case .pool: ["mountpaths", "allowSharedFilesystem", "acceptMissing"]
        case .mountpath: ["path", "media"]
        case .group: ["label", "profile", "protection", "media", "capacity", "sliceSize", "deletionPolicy"]
        case .storageClass: ["name", "group", "filesystem", "mountOptions", "mkfsOptions"]
        }
    }
}
