// swift-tools-version: 6.2
import PackageDescription

/// Where `make setup` keeps what it downloads: headers and libraries that no Debian package provides.
let cache: String = {
  let environment = Context.environment
  if let explicit = environment["CANDLECAST_CACHE"], !explicit.isEmpty { return explicit }
  if let xdg = environment["XDG_CACHE_HOME"], !xdg.isEmpty { return xdg + "/candlecast" }
  return (environment["HOME"] ?? "/root") + "/.cache/candlecast"
}()

/// One dialect for every target. The kernels are an order of magnitude slower without AVX2 and FMA, so the baseline is
/// x86-64-v3; the executables check the processor at start.
let dialect: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
  .unsafeFlags(["-Xcc", "-march=x86-64-v3"]),
]

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: dialect)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: dialect)
}

let package = Package(
  name: "candlecast",
  targets: [
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .target(name: "CDuckDB"),
    target("Market"),
    target("Crypto", ["CCrypto"]),
    target("Dataset", ["Market", "Crypto"]),
    target("Compression", ["CZlib", "CZstd"]),
    target("Storage", ["CDuckDB", "Market"]),
    target("Ingestion", ["Compression", "Crypto", "Market", "Storage"]),
    tests("MarketTests", ["Market"]),
    tests("CryptoTests", ["Crypto"]),
    tests("CompressionTests", ["Compression", "Market"], resources: [.copy("Fixtures")]),
    tests("StorageTests", ["Storage", "Market"]),
    tests("IngestionTests", ["Ingestion", "Storage", "Market"], resources: [.copy("Fixtures")]),
    tests("DatasetTests", ["Dataset", "Market"]),
  ]
)
