/// `volume_mean_20` (base asset), `volume_ratio_20` = volume / that mean, and `volume_z_60` = (volume − mean of 60) /
/// their population standard deviation, null in a flat window.
///
/// First values at the 20th and 60th candle.
struct VolumeLevel: Indicator {
  static let source = FeatureColumn.Source.volumes
  static let columns: [FeatureColumn] = [.raw("volume_mean_20"), .sequence("volume_ratio_20"), .raw("volume_z_60")]

  private var recent = SlidingSum<20>()
  private var hour = SlidingMoments<60>()
  private var known = 0

  mutating func update(_ step: borrowing CandleStep, into row: inout FeatureRow) {
    let volume = step.candle.volume
    recent.push(volume)
    hour.push(volume.isNaN ? 0 : volume)
    known = volume.isNaN ? 0 : min(known + 1, 60)
    let mean = recent.nonNegative / 20
    row.append(mean)
    row.append(volume.dividedByPositive(mean))
    row.append(known < 60 ? .nan : (volume - hour.mean).dividedByPositive(hour.standardDeviation))
  }
}
