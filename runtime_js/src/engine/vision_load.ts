/** When what sees pictures is loaded: with the model, or with the first picture. */
export const VISIONS = ["eager", "lazy"] as const;
export type VisionLoad = (typeof VISIONS)[number];
