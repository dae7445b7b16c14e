// The ward board.
import { monitor } from "./monitor.js";

monitor([`ward/${document.querySelector("[data-ward]").dataset.ward}`]);
