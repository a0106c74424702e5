/** How long the graphics card takes over a device's compute passes, whoever encodes them: by timestamps, without the queue. */

export interface PassTimer {
  /** Nanoseconds of the last compute pass that was submitted. */
  read(): Promise<number>;
}

/** Has every later command encoder of the device write timestamps; for encoders with one compute pass. */
export function timePasses(device: GPUDevice): PassTimer {
  const querySet = device.createQuerySet({ label: 'pass timer', type: 'timestamp', count: 2 });
  const size = 2 * BigUint64Array.BYTES_PER_ELEMENT;
  const resolved = device.createBuffer({
    label: 'pass timer',
    size,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const readable = device.createBuffer({
    label: 'pass timer result',
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };

  const createEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createEncoder(descriptor);
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (pass) => {
      const timed = begin({ ...pass, timestampWrites });
      const end = timed.end.bind(timed);
      timed.end = () => {
        end();
        encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, readable, 0, size);
      };
      return timed;
    };
    return encoder;
  };

  return {
    async read() {
      await readable.mapAsync(GPUMapMode.READ);
      const [start, end] = new BigUint64Array(readable.getMappedRange());
      const nanoseconds = Number(end! - start!);
      readable.unmap();
      return nanoseconds;
    },
  };
}
