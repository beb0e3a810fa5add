import Cloud
import Operations
import Streams

extension Diagnosis {
  /// Region, credentials and streams, where Kinesis is to carry events between the roles.
  static func kinesis(_ context: CommandContext) -> [Finding] {
    let streams = RoleStreams(context: context)
    guard streams.kind == .kinesis else { return [] }
    do {
      let region = try context.cloudAccess().region
      let client = try streams.kinesisClient(
        backoff: Backoff(attempts: 2, firstSeconds: 0.1, longestSeconds: 1), timeoutSeconds: 10)
      let names = try [RoleStreams.candles, RoleStreams.features].map { try streams.kinesisOptions($0).name }
      let found = try Blocking.run { await Self.streams(names, client, region) }
      return [sharedStore(streams)].compactMap(\.self) + found
    } catch {
      return [Finding("Kinesis", .missing, "\(error)")]
    }
  }

  private static func sharedStore(_ streams: RoleStreams) -> Finding? {
    do throws(CommandError) {
      try streams.checkStoreIsShared()
      return nil
    } catch {
      return Finding("Kinesis", isSplit(streams.context.configuration) ? .missing : .warning, "\(error)")
    }
  }

  /// What keeps one of them from being asked keeps the others too.
  private static func streams(_ names: [String], _ client: KinesisClient, _ region: String) async -> [Finding] {
    var findings: [Finding] = []
    for name in names {
      do throws(CloudError) {
        findings.append(stream(name, try await client.summary(of: name), region))
      } catch .noSuchStream {
        findings.append(
          Finding(
            "Kinesis", .missing, "there is no stream \(name) in \(region)",
            remedy: "`aws kinesis create-stream --stream-name \(name) --shard-count 1 --region \(region)` makes it; "
              + "or change stream.name or aws.region"))
      } catch {
        return findings + [Finding("Kinesis", .missing, "\(error)")]
      }
    }
    return findings
  }

  private static func stream(_ name: String, _ summary: KinesisSummary, _ region: String) -> Finding {
    guard ["ACTIVE", "UPDATING"].contains(summary.status) else {
      return Finding(
        "Kinesis", .warning, "stream \(name) in \(region) is \(summary.status)", remedy: "wait until it is ACTIVE")
    }
    let shards = summary.openShards == 1 ? "1 shard" : "\(summary.openShards) shards"
    return Finding(
      "Kinesis", .fine, "stream \(name) in \(region), \(shards), keeps records \(summary.retentionHours) hours")
  }
}
