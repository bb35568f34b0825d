import "smollm2-135m/worker";
