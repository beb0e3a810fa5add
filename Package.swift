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

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: dialect)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: dialect)
}

func systemLibrary(_ name: String, pkgConfig: String? = nil, debian: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([debian])])
}

/// libtorch has neither a package nor a pkg-config file; only the trainer links it.
let torch = Target.target(
  name: "CTorch",
  cxxSettings: [.unsafeFlags(["-std=c++20", "-O2", "-Wall", "-Werror", "-isystem", cache + "/torch/include"])],
  linkerSettings: [
    .unsafeFlags([
      "-L" + cache + "/torch/lib", "-ltorch_cpu", "-lc10", "-Xlinker", "-rpath", "-Xlinker", cache + "/torch/lib",
    ])
  ])

let package = Package(
  name: "candlecast",
  targets: [
    systemLibrary("CCrypto", pkgConfig: "libcrypto", debian: "libssl-dev"),
    systemLibrary("CCurl", pkgConfig: "libcurl", debian: "libcurl4-openssl-dev"),
    systemLibrary("CEpoll", debian: "libc6-dev"),
    systemLibrary("CPostgres", pkgConfig: "libpq", debian: "libpq-dev"),
    // Its pkg-config file has flags that the package manager refuses with a warning; none of them is needed.
    systemLibrary("CRedis", debian: "libhiredis-dev"),
    systemLibrary("CTLS", pkgConfig: "libssl", debian: "libssl-dev"),
    systemLibrary("CYAML", pkgConfig: "yaml-0.1", debian: "libyaml-dev"),
    systemLibrary("CZlib", pkgConfig: "zlib", debian: "zlib1g-dev"),
    systemLibrary("CZstd", pkgConfig: "libzstd", debian: "libzstd-dev"),
    .target(name: "CProcessor"),
    .target(name: "CDuckDB"),
    .target(name: "CXGBoost", linkerSettings: [.linkedLibrary("dl")]),
    torch,
    target("Market"),
    target("Platform"),
    target("Crypto", ["CCrypto"]),
    target("Compression", ["CZlib", "CZstd", "Crypto"]),
    target("Transport", ["CCurl", "CEpoll", "CTLS", "Compression", "Crypto", "Platform"]),
    target("Cloud", ["Crypto", "Market", "Transport"]),
    target("Venues", ["Crypto", "Market"]),
    target("Redis", ["CRedis", "Market", "Platform", "Venues"]),
    target("Streams", ["Cloud", "Features", "Market", "Pipeline", "Redis", "Venues"]),
    target("Tape", ["Compression", "Crypto", "Market"]),
    target("Settlement", ["Market"]),
    target("Features", ["Market"]),
    target("Models", ["Crypto", "Market"]),
    target("Evaluation", ["Market", "Models", "Settlement"]),
    target("Pipeline", ["Features", "Market", "Models"]),
    target("Dataset", ["Crypto", "Features", "Market"]),
    target("Storage", ["CDuckDB", "CPostgres", "Compression", "Crypto", "Market"]),
    target("Archive", ["Cloud", "Compression", "Crypto", "Market", "Storage"]),
    target("Ingestion", ["Compression", "Crypto", "Market", "Platform", "Storage", "Tape", "Transport", "Venues"]),
    target("VenueSimulator", ["Compression", "Crypto", "Ingestion", "Market", "Platform", "Transport", "Venues"]),
    .target(
      name: "Serving",
      dependencies: [
        "Crypto", "Evaluation", "Features", "Market", "Models", "Operations", "Pipeline", "Storage", "Transport",
      ],
      resources: [
        .embedInCode("Page/index.html"), .embedInCode("Page/page.js"), .embedInCode("Page/style.css"),
      ],
      swiftSettings: dialect),
    target(
      "Learning", ["CTorch", "CXGBoost", "Dataset", "Evaluation", "Features", "Market", "Models", "Settlement"]),
    target("Operations", ["CProcessor", "CYAML", "Market"]),
    program(
      "candlecast",
      [
        "Archive", "Cloud", "Crypto", "Dataset", "Evaluation", "Features", "Ingestion", "Market", "Models",
        "Operations", "Pipeline", "Platform", "Redis", "Serving", "Settlement", "Storage", "Streams", "Tape",
        "Transport", "VenueSimulator", "Venues",
      ]),
    program(
      "candlecast-trainer",
      ["CProcessor", "Dataset", "Evaluation", "Learning", "Market", "Models", "Settlement"]),
    program(
      "candlecast-bench",
      [
        "Features", "Ingestion", "Market", "Models", "Operations", "Pipeline", "Platform", "Redis", "Serving",
        "Storage",
        "Streams", "TestSupport", "Transport", "Venues",
      ]),
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .target(
      name: "TestSupport", dependencies: ["Market", "Models"], path: "Tests/TestSupport", swiftSettings: dialect),
    tests("MarketTests", ["Market"]),
    tests("CryptoTests", ["Crypto"]),
    tests("SettlementTests", ["Market", "Settlement", "TestSupport"]),
    tests(
      "FeaturesTests", ["CAllocationCounter", "Features", "Market", "TestSupport"], resources: [.copy("Fixtures")]),
    tests(
      "ModelsTests", ["CAllocationCounter", "Market", "Models", "TestSupport"], resources: [.copy("Fixtures")]),
    tests("PipelineTests", ["CAllocationCounter", "Features", "Market", "Models", "Pipeline", "TestSupport"]),
    tests("EvaluationTests", ["Evaluation", "Market", "Models", "Settlement"], resources: [.copy("Fixtures")]),
    tests("CompressionTests", ["Compression", "Market", "TestSupport"], resources: [.copy("Fixtures")]),
    tests(
      "TransportTests", ["Compression", "Market", "Platform", "TestSupport", "Transport"],
      resources: [.copy("Fixtures")]),
    tests("CloudTests", ["Cloud", "Crypto", "Market", "TestSupport", "Transport"], resources: [.copy("Fixtures")]),
    tests("VenuesTests", ["Compression", "Crypto", "Market", "TestSupport", "Venues"], resources: [.copy("Fixtures")]),
    tests("TapeTests", ["Compression", "Market", "Tape", "TestSupport"]),
    tests("KinesisTests", ["Cloud", "Crypto", "Market", "Streams", "TestSupport", "Transport"]),
    tests("RedisTests", ["Market", "Redis", "TestSupport"]),
    .executableTarget(
      name: "stream-worker", dependencies: ["Market", "Redis", "Storage", "Streams"], path: "Tests/StreamWorker",
      swiftSettings: dialect),
    tests(
      "StreamsTests",
      ["Features", "Market", "Pipeline", "Redis", "Storage", "stream-worker", "Streams", "TestSupport"]),
    tests(
      "VenueSimulatorTests", ["Crypto", "Market", "TestSupport", "Transport", "VenueSimulator", "Venues"],
      resources: [.copy("Fixtures")]),
    tests(
      "ClientTests", ["Crypto", "Market", "Operations", "TestSupport", "VenueSimulator", "Venues"],
      resources: [.copy("client.py"), .copy("Fixtures")]),
    tests(
      "ArchiveTests",
      ["Archive", "Cloud", "Compression", "Crypto", "Market", "Operations", "Storage", "TestSupport", "Transport"],
      resources: [.copy("avro_peer.py"), .copy("Fixtures")]),
    tests("StorageTests", ["Market", "Platform", "Storage", "TestSupport"]),
    tests(
      "SchemaTests",
      [
        "candlecast", "Features", "Ingestion", "Market", "Models", "Operations", "Pipeline", "Platform", "Storage",
        "TestSupport",
      ]),
    tests(
      "IngestionTests",
      ["Compression", "Crypto", "Ingestion", "Market", "Platform", "Storage", "Tape", "TestSupport", "Venues"],
      resources: [.copy("Fixtures")]),
    tests(
      "LiveTests",
      [
        "Features", "Ingestion", "Market", "Pipeline", "Storage", "Tape", "TestSupport", "VenueSimulator", "Venues",
      ]),
    tests(
      "ServingTests",
      [
        "Features", "Market", "Models", "Operations", "Pipeline", "Platform", "Serving", "Storage", "TestSupport",
        "Transport",
      ],
      resources: [.copy("clients.py")]),
    tests("DatasetTests", ["Dataset", "Features", "Market", "TestSupport"]),
    tests(
      "LearningTests",
      ["Dataset", "Evaluation", "Features", "Learning", "Market", "Models", "Settlement", "TestSupport"]),
    tests("OperationsTests", ["Market", "Operations", "TestSupport"]),
    tests(
      "CommandTests",
      [
        "candlecast", "Archive", "Cloud", "Dataset", "Evaluation", "Features", "Ingestion", "Learning", "Market",
        "Models", "Operations", "Settlement", "Storage", "TestSupport", "Transport", "Venues",
      ]),
    tests(
      "LiveCommandTests",
      [
        "candlecast", "Archive", "Cloud", "Dataset", "Features", "Ingestion", "Market", "Models", "Operations",
        "Pipeline", "Platform", "Redis", "Serving", "Storage", "Streams", "Tape", "TestSupport", "Transport",
        "VenueSimulator", "Venues",
      ]),
    tests("DatabaseTests", ["candlecast", "Features", "Market", "Operations", "Storage", "TestSupport"]),
    tests("ProcessTests", ["Features", "Ingestion", "Market", "Models", "Storage", "TestSupport", "Transport"]),
    tests("SetupTests", ["Crypto", "Operations"]),
    tests("TidyTests", []),
  ]
)

// `make run` needs no more, and the package manager builds either one product or everything.
if Context.environment["CANDLECAST_BUILD"] == "programs" {
  package.targets.removeAll {
    $0.type == .test || $0.path?.hasPrefix("Tests/") == true || $0.name == "candlecast-bench"
  }
}
