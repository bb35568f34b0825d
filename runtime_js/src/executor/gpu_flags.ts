/** WebGPU's flag values (https://www.w3.org/TR/webgpu/#buffer-usage), which TypeScript's DOM library does not declare. */

export const BufferUsage = { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128, QUERY_RESOLVE: 512 } as const;
export const ShaderStage = { COMPUTE: 4 } as const;
export const MapMode = { READ: 1, WRITE: 2 } as const;
