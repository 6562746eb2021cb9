/** A CDK app whose stacks are plain templates: no bootstrap stack, no assets, nothing reported to anybody. */
import { App, BootstraplessSynthesizer, type AppProps, type IReusableStackSynthesizer } from "aws-cdk-lib";

export function plainApp(props: AppProps = {}): App {
  // The CDK's class and interface do not agree under exactOptionalPropertyTypes.
  const defaultStackSynthesizer = new BootstraplessSynthesizer() as IReusableStackSynthesizer;
  return new App({ ...props, defaultStackSynthesizer, analyticsReporting: false });
}
