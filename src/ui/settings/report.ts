/** What helps to find a fault on a device: browser, devices, self-tests and versions. Nothing about documents but their number. */
import type { EngineStatus, IndexStats } from '../../index.ts';

export function selfTestReport(status: EngineStatus | null, stats: IndexStats | null, policy: string | null): string {
  const lines = [
    `Lateral self-test report, ${new Date().toISOString()}`,
    navigator.userAgent,
    `Processor threads ${navigator.hardwareConcurrency}; isolated ${yes(crossOriginIsolated)}; secure ${yes(isSecureContext)}; online ${yes(navigator.onLine)}`,
    `Language ${navigator.language}; screen ${innerWidth} × ${innerHeight} at ${devicePixelRatio}`,
  ];
  if (status !== null) {
    lines.push(
      `State ${status.state}; model ${status.model || '–'}; storage ${status.storage}; threads ${status.threads} encoding, ${status.scoringThreads} comparing`,
      `Encoder ${status.encoder?.kind ?? '–'}${status.encoder?.half === true ? ' fp16' : ''}${status.encoder?.forced === true ? ' (forced)' : ''}: ${status.encoder?.reason ?? ''}`,
      `Scorer ${status.scorer?.kind ?? '–'}${status.scorer?.forced === true ? ' (forced)' : ''}: ${status.scorer?.reason ?? ''}`,
      `Graphics ${status.gpu === null ? 'none' : `${status.gpu.name}${status.gpu.software ? ' (software)' : ''}`}`,
      ...status.selfTests.map(
        (test) =>
          `Self-test ${test.device}${test.half === true ? ' fp16' : ''}: ${test.passed ? 'passed' : 'FAILED'}, lowest cosine ${test.minCosine.toFixed(5)} of ${test.required} asked, ${Math.round(test.elapsedMs)} ms`,
      ),
      `Documents ${status.documents}; passages ${status.chunks}; token vectors ${status.tokens}; held ${status.residentBytes} bytes; unread files ${status.pending.files}`,
    );
    if (status.error !== null) lines.push(`Error ${status.error.code}: ${status.error.message}`);
  }
  if (stats !== null) {
    const { model, dim, precision, poolFactor, chunker } = stats.fingerprint;
    lines.push(
      `Index ${model}, ${dim} ${precision}, held ${stats.residentPrecision}, pool factor ${poolFactor}, chunker ${chunker}; ${stats.blocks} blocks, ${stats.vectorBytes} bytes`,
      `Storage ${stats.usageBytes ?? '–'} (Lateral itself ${stats.appBytes ?? '–'}) of ${stats.quotaBytes ?? '–'} bytes; kept for good ${stats.persisted === null ? '–' : yes(stats.persisted)}`,
    );
  }
  lines.push(`Policy ${policy ?? 'none'}`);
  return lines.join('\n');
}

const yes = (value: boolean): string => (value ? 'yes' : 'no');
