import Market
import Operations
import Serving
import Testing

/// What is told of one prediction.
struct PredictionJSONTests {
  @Test func `a prediction between closes is told with what readers of the tick cadence know`() {
    let prediction = Prediction(
      time: Timestamp(microseconds: 1_709_294_401_500_000), availableAt: Timestamp(milliseconds: 1_709_294_401_600),
      view: MarketView(price: Series(.binance, .btcusdt)), target: .move(horizonSeconds: 60), probabilityUp: 0.625,
      changePercent: 0.05, confidence: 0.5, modelName: .mlp, version: "move-60s-20240301t000000z",
      featureSetHash: "0123456789abcdef", inputHash: 0xAB, state: "partial", reason: "last known: spread_bp",
      mode: .live, latencyNanoseconds: 2_500_000,
      forecast: PriceForecast(
        current: 60_000.5, predicted: 60_030.25, low: 59_990.75, high: 60_070.125, inputAgeMilliseconds: 250,
        source: .direct), arm: .split)
    let told: JSONValue = prediction.json
    let expected: JSONValue = [
      "id": "1709294401500.move-60s.MLP.move-60s-20240301t000000z.live", "time": "2024-03-01T12:00:01.500Z",
      "available_at": "2024-03-01T12:00:01.600Z", "view": "binance:BTCUSDT", "target": "move-60s", "model": "MLP",
      "version": "move-60s-20240301t000000z", "arm": "split", "probability_up": 0.625, "probability_interval": nil,
      "change_percent": 0.05, "direction": "UP", "confidence": 0.5, "state": "partial",
      "reason": "last known: spread_bp", "mode": "live", "feature_set": "0123456789abcdef",
      "input_hash": "00000000000000ab", "latency_microseconds": 2500.0, "symbol": "BTCUSDT",
      "timestamp": 1_709_294_401_500, "current_price": 60_000.5, "predicted_price": 60_030.25,
      "interval": [59_990.75, 60_070.125], "prediction_horizon_seconds": 60,
      "model_version": "move-60s-20240301t000000z", "features_age_ms": 250, "inference_latency_ms": 2,
      "source": "direct", "expires_at": "2024-03-01T12:01:01.500Z",
    ]
    #expect(told == expected)
  }
}
