/** Stands in the built page for modules of mqtt.js that it does not use. */
export default {}
