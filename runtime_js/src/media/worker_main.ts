/** The script of that thread. */

import { servePictures } from "./worker.ts";

servePictures();
